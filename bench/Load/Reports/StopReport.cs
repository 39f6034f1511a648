using System.Globalization;
using System.Text;

namespace CometBench.Load.Reports;

/// <summary>The tables of the suite stop, as Markdown.</summary>
internal static class StopReport
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    /// <returns>The tables.</returns>
    internal static async Task<string> WriteAsync(IReadOnlyList<StopRun> runs, Settings settings)
    {
        var text = new StringBuilder();
        Summary(text, runs);
        Seconds(text, runs);
        Directory.CreateDirectory(settings.Out);
        await File.WriteAllTextAsync(Path.Combine(settings.Out, "stop.md"), text.ToString());
        return text.ToString();
    }

    private static void Summary(StringBuilder text, IReadOnlyList<StopRun> runs)
    {
        text.Append("| stopped while streams are open |").AppendJoin("|", runs.Select(run => $" {run.Name} ")).AppendLine("|");
        text.Append("|---|").AppendJoin("|", runs.Select(_ => "---:")).AppendLine("|");
        Row("streams", run => run.Streams.Count.ToString("#,0", Invariant));
        Row("from SIGTERM to exit, s", run => run.Stop.Took.TotalSeconds.ToString("0.00", Invariant));
        Row("exit code", run => run.Stop.ExitCode.ToString(Invariant));
        Row("ends: first / median / last, s", run => Spread(run.Ends));
        Row("how they ended", run => Counts(run.Streams.Select(stream => stream.End!.How)));
        Row("ended without a reason", run => run.WithoutReason.ToString("#,0", Invariant));
        Row("first tries to reconnect: first / median / last, s", run => Spread(run.Returns));
        Row("what they were answered", run => Counts(run.Streams.Select(stream => stream.Answer ?? "did not try")));
        text.AppendLine();

        void Row(string what, Func<StopRun, string> figure) =>
            text.Append(Invariant, $"| {what} |").AppendJoin("|", runs.Select(run => $" {figure(run)} ")).AppendLine("|");
    }

    private static void Seconds(StringBuilder text, IReadOnlyList<StopRun> runs)
    {
        text.Append("| second after SIGTERM |")
            .AppendJoin("|", runs.Select(run => $" ends, {run.Name} | first tries to reconnect "))
            .AppendLine("|");
        text.Append("|---:|").AppendJoin("|", runs.Select(_ => "---:|---:")).AppendLine("|");
        var last = runs.SelectMany(run => run.Ends.Concat(run.Returns)).DefaultIfEmpty().Max();
        for (var second = 0; second <= last; second++)
        {
            var cells = runs.Select(run =>
                string.Create(Invariant, $" {Within(run.Ends, second):#,0} | {Within(run.Returns, second):#,0} "));
            text.Append(Invariant, $"| {second}..{second + 1} |").AppendJoin("|", cells).AppendLine("|");
        }
    }

    private static int Within(double[] times, int second) => times.Count(time => (int)Math.Floor(time) == second);

    private static string Spread(double[] times) =>
        times is [] ? "-" : string.Create(Invariant, $"{times[0]:0.00} / {times[times.Length / 2]:0.00} / {times[^1]:0.00}");

    private static string Counts(IEnumerable<string> words) => string.Join(", ", words
        .CountBy(word => word)
        .OrderByDescending(pair => pair.Value)
        .Select(pair => string.Create(Invariant, $"{pair.Key} ({pair.Value:#,0})")));
}
