using System.Diagnostics;
using System.Globalization;

namespace CometBench.Load.Suites;

/// <summary>One line for each stage, as it ends.</summary>
internal sealed class Progress(int total)
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private int _done;

    internal void Report(string text)
    {
        var width = total.ToString(CultureInfo.InvariantCulture).Length;
        var number = (++_done).ToString(CultureInfo.InvariantCulture).PadLeft(width);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_watch.Elapsed:mm\\:ss}  {number}/{total}  {text}"));
    }
}
