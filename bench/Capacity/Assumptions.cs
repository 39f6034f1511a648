namespace CometBench.Capacity;

/// <summary>A number that the plan rests on.</summary>
/// <param name="What">For people.</param>
/// <param name="Value">In the unit.</param>
/// <param name="Unit">For people.</param>
/// <param name="From">The command that measured it, or why it was chosen.</param>
internal sealed record Assumption(string What, double Value, string Unit, string From)
{
    public static implicit operator double(Assumption assumption) => assumption.Value;
}

/// <summary>All that the plan rests on. Replace a value when its command gives another.</summary>
internal static class Assumptions
{
    private const string Core = "us of a core";

    internal static readonly Assumption Delivery = new(
        "write a message to a browser, plain HTTP/1.1: nginx ends TLS", 9, Core, Measured("bench/Load, 1,000 and 5,000 streams"));

    internal static readonly Assumption Open = new(
        "open a stream and resume", 550, Core, Measured("bench/Cluster -- browsers"));

    internal static readonly Assumption Publish = new(
        "publish a message: confirmed and read back", 60, Core, Measured("bench/Cluster -- costs"));

    internal static readonly Assumption Read = new(
        "read a message that another server has published", 12, Core, Measured("bench/Cluster -- costs"));

    internal static readonly Assumption BrokerStore = new(
        "store a message, at the broker", 27, Core, Measured("bench/Cluster -- costs"));

    internal static readonly Assumption BrokerGive = new(
        "give a message to a server, at the broker", 34, Core, Measured("bench/Cluster -- costs"));

    internal static readonly Assumption StreamBytes = new(
        "a stream in the memory of a server", 3_106, "bytes", Measured("bench/Load -- growth"));

    internal static readonly Assumption SocketBytes = new(
        "its socket in the kernel", 5_000, "bytes", Chosen("with buffers that are empty nearly always"));

    internal static readonly Assumption StreamsPerServer = new(
        "streams in a server at most", 25_000, "", Chosen("so many come back at once when one is gone"));

    internal static readonly Assumption ServerCores = new("cores of a server", 2, "", Chosen("as measured"));

    internal static readonly Assumption ServerMemory = new("memory of a server for its streams", 2, "GB", Chosen("of 4"));

    internal static readonly Assumption ServerNetwork = new("network of a server", 1, "Gbit/s", Chosen("the least that is usual"));

    internal static readonly Assumption Framing = new(
        "around a message of 100 bytes: script, chunk, TCP, IP", 160, "bytes", Chosen("counted, rounded up"));

    internal static readonly Assumption BrokerCores = new("cores of the broker, or of the node that leads", 2, "", Chosen("as measured"));

    internal static readonly Assumption BrokerNodes = new("nodes of a broker", 3, "", Chosen("one may be gone"));

    internal static readonly Assumption Most = new(
        "load of a server at most: of its cores, memory, network",
        70,
        "%",
        Chosen("the rest is for bursts"));

    internal static readonly Assumption MostOfBroker = new(
        "load of the broker's cores at most", 20, "%", Chosen("all servers of a cell depend on it"));

    internal static readonly Assumption SpareServers = new(
        "more servers than needed, for when some are gone", 10, "%", Chosen("one at least"));

    internal static readonly Assumption LostAtOnce = new("servers lost at once", 1, "%", Chosen("one at least"));

    internal static readonly Assumption ReconnectSpread = new(
        "within which the browsers of a lost server come to the others", 5, "s", Chosen("Comet:ReconnectSpread"));

    internal static readonly Assumption Stay = new("a browser stays for", 600, "s", Chosen("pages are read for minutes"));

    internal static readonly Assumption[] All =
    [
        Delivery, Open, Publish, Read, BrokerStore, BrokerGive, StreamBytes, SocketBytes, StreamsPerServer, ServerCores, ServerMemory,
        ServerNetwork, Framing, BrokerCores, BrokerNodes, Most, MostOfBroker, SpareServers, LostAtOnce, ReconnectSpread, Stay,
    ];

    private static string Measured(string command) => $"measured: `{command}`";

    private static string Chosen(string reason) => $"chosen: {reason}";
}
