using System.Globalization;
using System.Text;
using CometBench.Load.Client;

namespace CometBench.Load.Reports;

/// <summary>The tables of the suite slow, as Markdown.</summary>
internal static class SlowReport
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    /// <returns>The tables.</returns>
    internal static async Task<string> WriteAsync(IReadOnlyList<SlowRun> alone, IReadOnlyList<SlowRun> beside, Settings settings)
    {
        var text = new StringBuilder();
        Fast(text, alone, beside, settings);
        Memory(text, alone[^1], beside[^1]);
        Stalled(text, beside);
        Directory.CreateDirectory(settings.Out);
        await File.WriteAllTextAsync(Path.Combine(settings.Out, "slow.md"), text.ToString());
        return text.ToString();
    }

    private static void Fast(StringBuilder text, IReadOnlyList<SlowRun> alone, IReadOnlyList<SlowRun> beside, Settings settings)
    {
        var what = string.Create(Invariant, $"{settings.Fast:#,0} streams, {settings.Rate:#,0} messages/s of {settings.Size} bytes");
        text.AppendLine(Invariant, $"| {what}, {settings.Duration.TotalSeconds:0.#} s | alone | beside {settings.Stalled} stalled |");
        text.AppendLine("|---|---:|---:|");
        Median("p50, ms", "0.0", figures => figures.P50);
        Median("p99, ms", "0.0", figures => figures.P99);
        Median("messages accepted/s", "#,0", figures => figures.AcceptedPerSecond);
        Median("deliveries/s", "#,0", figures => figures.DeliveriesPerSecond);
        Median("CPU per delivery, us", "0.00", figures => figures.CpuPerDelivery);
        Median("client cores", "0.0", figures => figures.ClientCores);
        Sum("missing", figures => figures.Missing);
        Sum("reordered", figures => figures.Reordered);
        Sum("malformed", figures => figures.Malformed);
        Sum("closed", figures => figures.Closed);
        text.AppendLine();

        void Median(string name, string format, Func<Figures, double> figure) =>
            Row(name, runs => Spread.Text(format, new Spread(runs.Select(run => figure(run.Fast)))));

        void Sum(string name, Func<Figures, long> figure) =>
            Row(name, runs => runs.Sum(run => figure(run.Fast)).ToString("#,0", Invariant));

        void Row(string name, Func<IReadOnlyList<SlowRun>, string> cell) => text.AppendLine($"| {name} | {cell(alone)} | {cell(beside)} |");
    }

    private static void Memory(StringBuilder text, SlowRun alone, SlowRun beside)
    {
        text.AppendLine("| after, s | memory alone, MB | open streams | memory beside stalled ones, MB | open streams |");
        text.AppendLine("|---:|---:|---:|---:|---:|");
        foreach (var (left, right) in alone.Memory.Zip(beside.Memory))
        {
            text.AppendLine(Invariant, $"| {left.At.TotalSeconds:0} | {Cells(left)} | {Cells(right)} |");
        }
        text.AppendLine();

        static string Cells(MemorySample sample) => string.Create(Invariant, $"{sample.Bytes / 1e6:0.0} | {sample.Streams}");
    }

    private static void Stalled(StringBuilder text, IReadOnlyList<SlowRun> beside)
    {
        text.AppendLine("| stalled | cut after its last read, s | what it read at last |");
        text.AppendLine("|---:|---:|---|");
        foreach (var (i, (cutAfter, end)) in beside.SelectMany(run => run.Stalled).Index())
        {
            var seconds = cutAfter?.TotalSeconds.ToString("0.0", Invariant) ?? "-";
            text.AppendLine(Invariant, $"| {i + 1} | {seconds} | {end.Messages:#,0} messages, {end.How} |");
        }
    }
}
