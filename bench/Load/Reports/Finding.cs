using System.Text;

namespace CometBench.Load.Reports;

/// <summary>One line about how a cost grows: the figures, how they should be, and whether they are.</summary>
internal sealed record Finding(string What, string Figures, string Should, bool Does)
{
    /// <returns>The table.</returns>
    internal static async Task<string> WriteAsync(IEnumerable<Finding> findings, Settings settings)
    {
        var text = new StringBuilder().AppendLine("| what | figures | should be | is |").AppendLine("|---|---|---|---|");
        foreach (var finding in findings)
        {
            text.AppendLine($"| {finding.What} | {finding.Figures} | {finding.Should} | {(finding.Does ? "yes" : "NO")} |");
        }
        Directory.CreateDirectory(settings.Out);
        await File.WriteAllTextAsync(Path.Combine(settings.Out, "growth.md"), text.ToString());
        return text.ToString();
    }
}
