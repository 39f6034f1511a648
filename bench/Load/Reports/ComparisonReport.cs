using System.Text;
using CometBench.Load.Client;

namespace CometBench.Load.Reports;

/// <summary>The table, as Markdown, and the chart, of what has been measured so far.</summary>
internal static class ComparisonReport
{
    /// <returns>The table.</returns>
    internal static async Task<string> WriteAsync(List<Measurement> measurements, List<string> failures, Settings settings)
    {
        var table = Table(measurements);
        if (failures.Count > 0)
        {
            table += $"\nFailed:\n\n{string.Concat(failures.Select(failure => $"* {failure}\n"))}";
        }
        Directory.CreateDirectory(settings.Out);
        await File.WriteAllTextAsync(Path.Combine(settings.Out, "report.md"), table);
        await File.WriteAllTextAsync(Path.Combine(settings.Out, "chart.svg"), Chart(measurements, settings));
        return table;
    }

    private static string Table(List<Measurement> measurements)
    {
        var columns = measurements
            .Select(m => (m.Kind, m.Connections))
            .Distinct()
            .OrderBy(column => column.Kind)
            .ThenBy(column => column.Connections)
            .SelectMany(column => Columns(column.Kind, column.Connections))
            .ToArray();
        var text = new StringBuilder();
        text.Append("| server |").AppendJoin("|", columns.Select(column => $" {column.Title} ")).AppendLine("| flaws |");
        text.Append("|---|").AppendJoin("|", columns.Select(_ => "---:")).AppendLine("|---:|");
        foreach (var server in measurements.GroupBy(m => m.Server))
        {
            var cells = columns.Select(column => Cell(
                server.FirstOrDefault(m => m.Kind == column.Kind && m.Connections == column.Connections), column.Format, column.Figures));
            text.Append($"| {server.Key.Title} |").AppendJoin("|", cells.Select(cell => $" {cell} "))
                .AppendLine($"| {server.Sum(m => m.Runs.Sum(figures => figures.FlawCount))} |");
        }
        return text.ToString();
    }

    private static string Cell(Measurement? measurement, string format, Func<Figures, double>[] figures) =>
        measurement is { Runs.Count: > 0 } ? Spread.Text(format, figures.Select(measurement.Of)) : "-";

    private static IEnumerable<(StageKind Kind, int Connections, string Title, string Format, Func<Figures, double>[] Figures)> Columns(
        StageKind kind, int n) =>
        kind switch
        {
            StageKind.Steady =>
            [
                (kind, n, $"CPU per delivery, N = {n:#,0}, us", "0.0", [figures => figures.CpuPerDelivery]),
                (kind, n, $"p50 / p99, N = {n:#,0}, ms", "0.0", [figures => figures.P50, figures => figures.P99]),
            ],
            StageKind.Saturation =>
            [
                (kind, n, $"deliveries/s at saturation, N = {n:#,0}", "#,0", [figures => figures.DeliveriesPerSecond]),
                (kind, n, "CPU each, us", "0.00", [figures => figures.CpuPerDelivery]),
                (kind, n, "client cores at saturation", "0.0", [figures => figures.ClientCores]),
            ],
            _ => [(kind, n, $"bytes per idle connection, N = {n:#,0}", "#,0", [figures => figures.BytesPerConnection])],
        };

    private static string Chart(List<Measurement> measurements, Settings settings)
    {
        var chart = new BarChart([.. measurements.Select(m => m.Server.Title).Distinct()]);
        chart.Add(
            $"CPU per delivery, \u00b5s ({settings.Rate:0} messages/s of {settings.Size} bytes)",
            Bars(StageKind.Steady, "0.0", f => f.CpuPerDelivery));
        chart.Add("Latency, ms: p50, and p99 in pale", Bars(StageKind.Steady, "0.0", f => f.P50, f => f.P99));
        chart.Add("Deliveries per second at saturation", Bars(StageKind.Saturation, "#,0", f => f.DeliveriesPerSecond));
        chart.Add("Memory per idle connection, bytes", Bars(StageKind.Idle, "#,0", f => f.BytesPerConnection));
        return chart.ToSvg();

        Bar[] Bars(StageKind kind, string format, Func<Figures, double> value, Func<Figures, double>? pale = null) =>
        [
            .. measurements.Where(m => m.Kind == kind).OrderBy(m => m.Connections).Select(m => new Bar(
                $"{m.Connections:#,0} connections", m.Server.Title, Median(m, value), Median(m, pale), format)),
        ];
    }

    private static double? Median(Measurement measurement, Func<Figures, double>? figure) =>
        measurement.Runs.Count > 0 && figure is not null ? measurement.Of(figure).Median : null;
}
