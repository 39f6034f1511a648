using System.Globalization;

namespace CometBench.Load.Reports;

/// <summary>One figure over all runs of a stage.</summary>
internal sealed class Spread(IEnumerable<double> runs)
{
    private readonly double[] _runs = [.. runs.Order()];

    internal double Median => (_runs[(_runs.Length - 1) / 2] + _runs[_runs.Length / 2]) / 2;

    /// <summary>The medians of some figures; where there was more than one run, also from where to where they went.</summary>
    internal static string Text(string format, params IEnumerable<Spread> spreads)
    {
        var medians = Join(spread => Number(spread.Median));
        return spreads.First()._runs.Length == 1
            ? medians
            : $"{medians} ({Join(spread => $"{Number(spread._runs[0])}..{Number(spread._runs[^1])}")})";

        string Join(Func<Spread, string> text) => string.Join(" / ", spreads.Select(text));

        string Number(double value) => value.ToString(format, CultureInfo.InvariantCulture);
    }
}
