namespace CometBench.Load.Servers;

/// <summary>A server under test and how to talk to it.</summary>
internal sealed record ServerKind(
    string Name,
    string Title,
    string Project,
    string[] Arguments,
    string Accept = "*/*",
    bool IsSignalR = false,
    Route Route = Route.Plain)
{
    internal static readonly ServerKind Comet = new("comet", "Comet, script tags", "Server", []);

    internal static readonly ServerKind[] All =
    [
        Comet,
        new("comet-sse", "Comet, server-sent events", "Server", [], Accept: "text/event-stream"),
        new("comet-sequence", "Comet, a sequence for each connection", "Server", ["--Sequences", "true"]),
        new("aspnet-sse", "TypedResults.ServerSentEvents", "Peers", ["--peer", "sse"]),
        new("signalr-sse", "SignalR, server-sent events", "Peers", ["--peer", "signalr"], Accept: "text/event-stream", IsSignalR: true),
        new("naive", "naive Comet helper", "Peers", ["--peer", "naive"]),
        new("nchan", "nchan in nginx, one process", "", []),
    ];

    /// <summary>How many streams share a connection, where the protocol lets them.</summary>
    internal int PerConnection { get; init; } = 1;

    internal bool IsNchan => Project.Length == 0;

    /// <summary>Whether the load client can measure it so.</summary>
    internal bool CanTake(Route route) => route == Route.Plain || !(IsSignalR || (IsNchan && route != Route.Tls));

    /// <summary>So many feeds, which connections and messages take in turns; 0: the one feed that all share.</summary>
    internal int Rooms { get; init; }

    /// <summary>Whether each connection has all of these feeds.</summary>
    internal bool IsTogether { get; init; }

    internal string Feed { private get; init; } = "";

    internal string PublishPath(long message) => Rooms > 0 ? $"/rooms/{message % Rooms}/pub" : $"{Feed}/pub";

    internal string SubscribePath(long connection) =>
        IsTogether ? $"/rooms/sub?{string.Join('&', Enumerable.Range(0, Rooms).Select(static room => $"feed=rooms/{room}"))}"
        : Rooms > 0 ? $"/rooms/{connection % Rooms}/sub" : $"{Feed}/sub";

    /// <summary>How many of so many connections get one message.</summary>
    internal int AudienceOf(int connections) => connections / (IsTogether ? 1 : Math.Max(1, Rooms));

    /// <summary>The assembly, built in the same configuration into the neighbouring project's folder.</summary>
    internal string Assembly
    {
        get
        {
            var own = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar);
            var bench = Path.GetFullPath(Path.Combine(own, "..", "..", "..", ".."));
            return Path.Combine(bench, Project, Path.GetRelativePath(Path.Combine(bench, "Load"), own), $"CometBench.{Project}.dll");
        }
    }
}

/// <summary>What lies between the streams and the server. Messages are always published over plain HTTP/1.1.</summary>
internal enum Route
{
    Plain,
    Tls,
    Http2,
    Nginx,
}
