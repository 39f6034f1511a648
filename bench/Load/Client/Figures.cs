namespace CometBench.Load.Client;

/// <summary>What one stage gave. Times of the processor in microseconds, latencies in milliseconds.</summary>
internal sealed record Figures
{
    /// <summary>Cores that the machine used just before, whatever for.</summary>
    internal double BusyBefore { get; init; }

    internal double CpuPerDelivery { get; init; }

    internal double P50 { get; init; }

    internal double P99 { get; init; }

    internal double DeliveriesPerSecond { get; init; }

    /// <summary>Messages a second that the server accepted.</summary>
    internal double AcceptedPerSecond { get; init; }

    internal double BytesPerConnection { get; init; }

    /// <summary>Cores the server used while nothing was published.</summary>
    internal double IdleCores { get; init; }

    /// <summary>Cores the load client itself used: near 1, it is the client that is saturated.</summary>
    internal double ClientCores { get; init; }

    internal long Missing { get; init; }

    internal long Reordered { get; init; }

    internal long Malformed { get; init; }

    internal long Closed { get; init; }

    /// <summary>Streams that got nothing, not even a heartbeat, while they were watched.</summary>
    internal long Silent { get; init; }

    internal long FlawCount => Missing + Reordered + Malformed + Closed + Silent;

    internal bool IsFlawless => FlawCount == 0;

    internal string Flaws => FormattableString.Invariant(
        $"{Missing} missing, {Reordered} reordered, {Malformed} malformed, {Closed} closed, {Silent} silent");
}
