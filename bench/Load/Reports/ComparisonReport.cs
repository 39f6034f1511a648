using System.Text;
using CometBench.Load.Client;

namespace CometBench.Load.Reports;

/// <summary>The table, as Markdown on the console and in a file, and the chart.</summary>
internal static class ComparisonReport
{
    internal static async Task WriteAsync(List<Measurement> measurements, Settings settings)
    {
        var table = Table(measurements);
        Console.WriteLine();
        Console.WriteLine(table);
        Directory.CreateDirectory(settings.Out);
        await File.WriteAllTextAsync(Path.Combine(settings.Out, "report.md"), table);
        await File.WriteAllTextAsync(Path.Combine(settings.Out, "chart.svg"), Chart(measurements, settings));
        Console.WriteLine($"Table and chart: {Path.GetFullPath(settings.Out)}");
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
            var cells = columns.Select(column => server.FirstOrDefault(m => m.Kind == column.Kind && m.Connections == column.Connections) is { } m
                ? column.Value(m.Figures)
                : "-");
            var flaws = server.Sum(m => m.Figures.Missing + m.Figures.Reordered + m.Figures.Malformed + m.Figures.Closed);
            text.Append($"| {server.Key.Title} |").AppendJoin("|", cells.Select(cell => $" {cell} ")).AppendLine($"| {flaws} |");
        }
        return text.ToString();
    }

    private static IEnumerable<(StageKind Kind, int Connections, string Title, Func<Figures, string> Value)> Columns(StageKind kind, int n) => kind switch
    {
        StageKind.Steady =>
        [
            (kind, n, $"CPU per delivery, N = {n:#,0}, us", figures => $"{figures.CpuPerDelivery:0.0}"),
            (kind, n, $"p50 / p99, N = {n:#,0}, ms", figures => $"{figures.P50:0.0} / {figures.P99:0.0}"),
        ],
        StageKind.Saturation =>
        [
            (kind, n, $"deliveries/s at saturation, N = {n:#,0}", figures => $"{figures.DeliveriesPerSecond:#,0}"),
            (kind, n, "CPU each, us", figures => $"{figures.CpuPerDelivery:0.00}"),
        ],
        _ => [(kind, n, $"bytes per idle connection, N = {n:#,0}", figures => $"{figures.BytesPerConnection:#,0}")],
    };

    private static string Chart(List<Measurement> measurements, Settings settings)
    {
        var chart = new BarChart([.. measurements.Select(m => m.Server.Title).Distinct()]);
        chart.Add($"CPU per delivery, \u00b5s ({settings.Rate:0} messages/s of {settings.Size} bytes)", Bars(StageKind.Steady, f => (f.CpuPerDelivery, null), "0.0"));
        chart.Add("Latency, ms: p50, and p99 in pale", Bars(StageKind.Steady, f => (f.P50, f.P99), "0.0"));
        chart.Add("Deliveries per second at saturation", Bars(StageKind.Saturation, f => (f.DeliveriesPerSecond, null), "#,0"));
        chart.Add("Memory per idle connection, bytes", Bars(StageKind.Idle, f => (f.BytesPerConnection, null), "#,0"));
        return chart.ToSvg();

        Bar[] Bars(StageKind kind, Func<Figures, (double Value, double? Pale)> figure, string format) =>
        [
            .. measurements.Where(m => m.Kind == kind).Select(m =>
            {
                var (value, pale) = figure(m.Figures);
                return new Bar($"{m.Connections:#,0} connections", m.Server.Title, value, pale, format);
            }),
        ];
    }
}
