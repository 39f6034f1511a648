namespace CometBench.Capacity;

/// <summary>What the plan rests on: what was measured, and what is assumed. Costs are in microseconds of one core.</summary>
internal sealed record Assumptions
{
    internal static readonly Assumptions Usual = new();

    /// <summary>Writing one message to one browser, HTTP/1.1 without TLS: nginx ends TLS.</summary>
    internal double Delivery { get; init; } = 12;

    /// <summary>Opening a stream and resuming it.</summary>
    internal double Open { get; init; } = 400;

    /// <summary>Publishing a message: confirmed and read back.</summary>
    internal double Publish { get; init; } = 60;

    /// <summary>Reading a message from the broker that another server has published.</summary>
    internal double Read { get; init; } = 25;

    /// <summary>Storing a message, at the broker.</summary>
    internal double BrokerStore { get; init; } = 60;

    /// <summary>Giving a message to one server, at the broker.</summary>
    internal double BrokerRead { get; init; } = 20;

    /// <summary>A stream in memory at the server, and its socket in the kernel, in bytes.</summary>
    internal double StreamBytes { get; init; } = 14_000 + 5_000;

    /// <summary>Framing, TCP and IP around one message on its way to a browser, in bytes.</summary>
    internal double MessageOverhead { get; init; } = 130;

    /// <summary>Cores of one server process, and of one node of a broker.</summary>
    internal int Cores { get; init; } = 4;

    internal int BrokerCores { get; init; } = 8;

    /// <summary>Memory for streams in one server, in bytes.</summary>
    internal double Memory { get; init; } = 4e9;

    /// <summary>Most streams in one server: ports and descriptors behind one nginx, and how many lose their server at once.</summary>
    internal int MaxStreams { get; init; } = 50_000;

    /// <summary>Network of one server, in bytes a second.</summary>
    internal double Network { get; init; } = 1.25e9 / 2;

    /// <summary>Within how many seconds the browsers of a dead server come back.</summary>
    internal double ReconnectSpread { get; init; } = 5;

    /// <summary>After how many seconds a browser leaves, and another comes.</summary>
    internal double Stay { get; init; } = 600;

    /// <summary>The 99th percentile of the delivery at most, in seconds, also while a server is gone.</summary>
    internal double Goal { get; init; } = 0.5;

    internal IEnumerable<(string What, string Value, string From)> Table =>
    [
        ("write one message to one browser, plain HTTP/1.1", $"{Delivery} us", "bench/Load, 5,000 streams at a steady rate"),
        ("open a stream and resume", $"{Open} us", "assumed; bench/Cluster browsers measures it"),
        ("publish, confirmed and read back", $"{Publish} us", "assumed; bench/Cluster costs measures it"),
        ("read a message another server published", $"{Read} us", "assumed; the same, growth per server"),
        ("store a message, at the broker", $"{BrokerStore} us", "assumed; bench/Cluster costs measures it"),
        ("give a message to one server, at the broker", $"{BrokerRead} us", "assumed; the same, growth per server"),
        ("a stream in memory, with its socket in the kernel", $"{StreamBytes / 1000} kB", "bench/Load held connections: 14 kB; kernel: assumed"),
        ("around one message: framing, TCP, IP", $"{MessageOverhead} B", "computed"),
        ("cores of a server process; of a node of the broker", $"{Cores}; {BrokerCores}", "chosen"),
        ("memory for streams in one server", $"{Memory / 1e9} GB", "chosen"),
        ("streams in one server at most", $"{MaxStreams}", "Comet:MaxStreams"),
        ("network of one server", $"{Network * 8 / 1e9} Gbit/s", "chosen: half of 10"),
        ("browsers of a dead server are back within", $"{ReconnectSpread} s", "Comet:ReconnectSpread"),
        ("a browser stays for", $"{Stay} s", "assumed"),
        ("delivery, 99th percentile, at most", $"{Goal * 1000} ms", "chosen; with one server, or one in a hundred, just gone"),
    ];
}
