using System.Text;

namespace CometBench.Load.Reports;

/// <summary>One line about how a cost grows: the figures, how they should be, and whether they are.</summary>
internal sealed record Finding(string What, string Figures, string Should, bool Does)
{
    internal static async Task WriteAsync(IEnumerable<Finding> findings, Settings settings)
    {
        var text = new StringBuilder().AppendLine("| what | figures | should be | is |").AppendLine("|---|---|---|---|");
        foreach (var finding in findings)
        {
            text.AppendLine($"| {finding.What} | {finding.Figures} | {finding.Should} | {(finding.Does ? "yes" : "NO")} |");
        }
        Console.WriteLine();
        Console.WriteLine(text);
        Directory.CreateDirectory(settings.Out);
        await File.WriteAllTextAsync(Path.Combine(settings.Out, "growth.md"), text.ToString());
    }
}
