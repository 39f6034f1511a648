using System.Globalization;
using CometBench.Load.Servers;

namespace CometBench.Load;

/// <summary>The command line.</summary>
internal sealed record Settings
{
    internal const string Usage = """
        dotnet run -c Release --project bench/Load [-- suite] [options]

        suites
          compare      every server: steady traffic, saturation, memory of idle connections (default)
          growth       the library by itself: message sizes, many feeds, publishing threads, TLS, HTTP/2, nginx, many connections
          slow         streams that keep up, alone and beside some that stop reading: latencies, memory, how the stalled ones end
          latest       how old what a slow line of a feed with WhenSlow = Latest brings is
          stop         SIGTERM while streams are open, at once and drained: time to exit, how ends and reconnects spread (Unix only)

        options (default)
          --servers a,b        some of: comet, comet-sse, comet-sequence, aspnet-sse, signalr-sse, naive, nchan (all that are installed)
          --route plain        or tls, http2, in the suite compare; SignalR is measured plain only, nchan plain or by tls
          --per-connection 1   streams on one connection, by http2
          --ask a,b            in the suite growth, some of: sizes, feeds, several, threads, routes, held, lanes (all)
          --n 1000,5000        connections under steady traffic
          --idle 1000,5000     connections that receive nothing, for the memory of one
          --saturate 200       connections at saturation
          --held 20000         idle connections in the suite growth; open streams in the suite stop (1000), a tenth of them of sequences
          --fast 200           streams that keep up in the suite slow
          --stalled 20         streams that stop reading in the suite slow
          --drain 10           seconds over which a server that stops ends its streams, in the suite stop
          --rate 10            messages a second, steady; in the suites slow and latest (2000)
          --line 10000         bytes a second that the slow line brings in the suite latest
          --buffer 4096        bytes of its receive buffer
          --seconds 5          of each stage; steady traffic goes on until 30,000 deliveries, and runs once before it counts; in the
                               suites slow and latest (60)
          --size 100           bytes of a message; in the suite latest (60)
          --runs 1             the medians of so many, and from where to where they went; not in the suites latest and stop
          --out folder         where tables and the chart go (artifacts/bench)
        """;

    internal string Suite { get; private init; } = "compare";

    internal string[] Servers { get; private init; } = [];

    internal Route Route { get; private init; } = Route.Plain;

    internal int PerConnection { get; private init; } = 1;

    internal string[] Ask { get; private init; } = [];

    internal int[] Connections { get; private init; } = [1000, 5000];

    internal int[] Idle { get; private init; } = [1000, 5000];

    internal int Saturate { get; private init; } = 200;

    internal int Held { get; private init; } = 20_000;

    internal int Fast { get; private init; } = 200;

    internal int Stalled { get; private init; } = 20;

    internal TimeSpan Drain { get; private init; } = TimeSpan.FromSeconds(10);

    internal double Rate { get; private init; } = 10;

    internal int Line { get; private init; } = 10_000;

    internal int Buffer { get; private init; } = 4096;

    internal TimeSpan Duration { get; private init; } = TimeSpan.FromSeconds(5);

    internal int Size { get; init; } = 100;

    internal int Runs { get; private init; } = 1;

    internal string Out { get; private init; } = Path.Combine("artifacts", "bench");

    /// <exception cref="FormatException">There is no such option, or its value is no number.</exception>
    internal static Settings Parse(string[] arguments)
    {
        var settings = new Settings();
        var named = arguments is [{ } first, ..] && !first.StartsWith("--", StringComparison.Ordinal);
        if (named)
        {
            settings = Defaults(arguments[0]);
        }
        for (var i = named ? 1 : 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length)
            {
                throw new FormatException($"{arguments[i]} needs a value.");
            }
            var value = arguments[i + 1];
            settings = arguments[i] switch
            {
                "--servers" => settings with { Servers = value.Split(',') },
                "--route" => settings with { Route = RouteOf(value) },
                "--per-connection" => settings with { PerConnection = Number(value) },
                "--ask" => settings with { Ask = value.Split(',') },
                "--n" => settings with { Connections = [.. value.Split(',').Select(Number)] },
                "--idle" => settings with { Idle = [.. value.Split(',').Select(Number)] },
                "--saturate" => settings with { Saturate = Number(value) },
                "--held" => settings with { Held = Number(value) },
                "--fast" => settings with { Fast = Number(value) },
                "--stalled" => settings with { Stalled = Number(value) },
                "--drain" => settings with { Drain = Seconds(value) },
                "--rate" => settings with { Rate = double.Parse(value, CultureInfo.InvariantCulture) },
                "--line" => settings with { Line = Number(value) },
                "--buffer" => settings with { Buffer = Number(value) },
                "--seconds" => settings with { Duration = Seconds(value) },
                "--size" => settings with { Size = Number(value) },
                "--runs" => settings with { Runs = Number(value) },
                "--out" => settings with { Out = value },
                var other => throw new FormatException($"There is no option {other}."),
            };
        }
        return settings;
    }

    private static Settings Defaults(string suite) => suite switch
    {
        "slow" => new Settings { Suite = suite, Rate = 2000, Duration = TimeSpan.FromSeconds(60) },
        "latest" => new Settings { Suite = suite, Rate = 2000, Duration = TimeSpan.FromSeconds(60), Size = 60 },
        "stop" => new Settings { Suite = suite, Held = 1000 },
        _ => new Settings { Suite = suite },
    };

    private static Route RouteOf(string text) => text switch
    {
        "plain" => Route.Plain,
        "tls" => Route.Tls,
        "http2" => Route.Http2,
        _ => throw new FormatException($"There is no route {text}."),
    };

    private static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(double.Parse(text, CultureInfo.InvariantCulture));

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
