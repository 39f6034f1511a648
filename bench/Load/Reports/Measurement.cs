using CometBench.Load.Client;
using CometBench.Load.Servers;

namespace CometBench.Load.Reports;

internal enum StageKind
{
    Steady,
    Saturation,
    Idle,
}

internal sealed record Measurement(ServerKind Server, StageKind Kind, int Connections, Figures Figures)
{
    /// <summary>One for each server, kind and number of connections: the medians of the runs.</summary>
    internal static List<Measurement> Medians(IEnumerable<Measurement> measurements) =>
    [
        .. measurements
            .GroupBy(m => (m.Server, m.Kind, m.Connections))
            .Select(group => new Measurement(group.Key.Server, group.Key.Kind, group.Key.Connections, Figures.Median([.. group.Select(m => m.Figures)]))),
    ];

    internal string Line => Kind switch
    {
        StageKind.Steady => FormattableString.Invariant(
            $"{Figures.CpuPerDelivery:0.0} us CPU per delivery, p50 {Figures.P50:0.0} ms, p99 {Figures.P99:0.0} ms{Flaws}"),
        StageKind.Saturation => FormattableString.Invariant(
            $"{Figures.DeliveriesPerSecond:#,0} deliveries/s, {Figures.CpuPerDelivery:0.00} us CPU each (client: {Figures.ClientCores:0.0} cores){Flaws}"),
        _ => FormattableString.Invariant($"{Figures.BytesPerConnection:#,0} bytes per idle connection"),
    };

    private string Flaws => Figures.IsFlawless ? "" : $"  FLAWED: {Figures.Flaws}";
}
