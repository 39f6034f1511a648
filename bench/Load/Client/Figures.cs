namespace CometBench.Load.Client;

/// <summary>What one stage gave. Times of the processor in microseconds, latencies in milliseconds.</summary>
internal sealed record Figures
{
    internal double CpuPerDelivery { get; init; }

    internal double CpuPerMessage { get; init; }

    internal double P50 { get; init; }

    internal double P99 { get; init; }

    internal double DeliveriesPerSecond { get; init; }

    internal double BytesPerConnection { get; init; }

    /// <summary>Cores the server used while nothing was published.</summary>
    internal double IdleCores { get; init; }

    /// <summary>Cores the load client itself used: near 1, it is the client that is saturated.</summary>
    internal double ClientCores { get; init; }

    internal long Missing { get; init; }

    internal long Reordered { get; init; }

    internal long Malformed { get; init; }

    internal long Closed { get; init; }

    internal bool IsFlawless => Missing + Reordered + Malformed + Closed == 0;

    internal string Flaws => FormattableString.Invariant($"{Missing} missing, {Reordered} reordered, {Malformed} malformed, {Closed} closed");

    /// <summary>The median of each figure by itself; flaws add up.</summary>
    internal static Figures Median(IReadOnlyCollection<Figures> runs)
    {
        return new Figures
        {
            CpuPerDelivery = Of(run => run.CpuPerDelivery),
            CpuPerMessage = Of(run => run.CpuPerMessage),
            P50 = Of(run => run.P50),
            P99 = Of(run => run.P99),
            DeliveriesPerSecond = Of(run => run.DeliveriesPerSecond),
            BytesPerConnection = Of(run => run.BytesPerConnection),
            IdleCores = Of(run => run.IdleCores),
            ClientCores = Of(run => run.ClientCores),
            Missing = runs.Sum(run => run.Missing),
            Reordered = runs.Sum(run => run.Reordered),
            Malformed = runs.Sum(run => run.Malformed),
            Closed = runs.Sum(run => run.Closed),
        };

        double Of(Func<Figures, double> figure)
        {
            var sorted = runs.Select(figure).Order().ToArray();
            return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        }
    }
}
