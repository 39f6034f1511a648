using System.Globalization;
using CometBench.Load.Client;
using CometBench.Load.Servers;

namespace CometBench.Load.Reports;

internal enum StageKind
{
    Steady,
    Saturation,
    Idle,
}

/// <summary>One stage on one server, as often as it was run.</summary>
internal sealed record Measurement(ServerKind Server, StageKind Kind, int Connections)
{
    /// <summary>Those that did not fail.</summary>
    internal List<Figures> Runs { get; } = [];

    internal Spread Of(Func<Figures, double> figure) => new(Runs.Select(figure));

    internal static string Line(StageKind kind, Figures figures)
    {
        var line = kind switch
        {
            StageKind.Steady => FormattableString.Invariant(
                $"{figures.CpuPerDelivery:0.0} us CPU per delivery, p50 {figures.P50:0.0} ms, p99 {figures.P99:0.0} ms"),
            StageKind.Saturation => string.Create(
                CultureInfo.InvariantCulture,
                $"{figures.DeliveriesPerSecond:#,0} deliveries/s, {figures.CpuPerDelivery:0.00} us CPU each " +
                $"(client: {figures.ClientCores:0.0} cores)"),
            _ => FormattableString.Invariant($"{figures.BytesPerConnection:#,0} bytes per idle connection"),
        };
        line += FormattableString.Invariant($"  (before it {figures.BusyBefore:0.00} cores busy)");
        return figures.IsFlawless ? line : $"{line}  FLAWED: {figures.Flaws}";
    }
}
