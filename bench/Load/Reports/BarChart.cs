using System.Globalization;
using System.Net;
using System.Text;

namespace CometBench.Load.Reports;

/// <summary>One bar. <paramref name="Pale"/> is a second value, drawn behind the first. Without a value there is a dash.</summary>
internal sealed record Bar(string Group, string Series, double? Value, double? Pale, string Format);

/// <summary>Horizontal bars in two columns of panels, as SVG that follows the reader's light or dark theme.</summary>
internal sealed class BarChart(string[] series)
{
    private const int PanelWidth = 450;
    private const int Gutter = 30;
    private const int BarHeight = 13;
    private const int BarsFrom = 10;
    private const int LabelWidth = 90;
    private const int Width = (2 * PanelWidth) + Gutter;

    // Okabe and Ito's colours, which colour-blind readers can tell apart, and grey.
    private static readonly string[] Colours = ["#d55e00", "#e69f00", "#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#999999"];

    private readonly List<(string Title, Bar[] Bars)> _panels = [];

    internal void Add(string title, Bar[] bars) => _panels.Add((title, bars));

    internal string ToSvg()
    {
        var body = new StringBuilder();
        var top = 20;
        Legend(body, ref top);
        foreach (var row in _panels.Chunk(2))
        {
            var bottom = top;
            for (var i = 0; i < row.Length; i++)
            {
                bottom = Math.Max(bottom, Panel(body, row[i].Title, row[i].Bars, i * (PanelWidth + Gutter), top));
            }
            top = bottom + 24;
        }
        return string.Create(CultureInfo.InvariantCulture, $$$"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{{Width}}} {{{top}}}" font-family="system-ui, sans-serif" font-size="11" role="img">
            <title>{{{string.Join("; ", _panels.Select(panel => Text(panel.Title)))}}}</title>
            <style>text{fill:#1b1f24}.group{fill:#59636e}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.group{fill:#9198a1}}</style>
            {{{body}}}</svg>

            """);
    }

    private void Legend(StringBuilder body, ref int top)
    {
        var left = 0;
        foreach (var name in series)
        {
            var width = 40 + (name.Length * 6);
            if (left + width > Width)
            {
                (left, top) = (0, top + 18);
            }
            body.Append(
                CultureInfo.InvariantCulture,
                $"<rect x=\"{left}\" y=\"{top - 10}\" width=\"11\" height=\"11\" fill=\"{Colour(name)}\"/>");
            body.Append(CultureInfo.InvariantCulture, $"<text x=\"{left + 16}\" y=\"{top}\">{Text(name)}</text>\n");
            left += width;
        }
        top += 34;
    }

    private int Panel(StringBuilder body, string title, Bar[] bars, int left, int top)
    {
        body.Append(
            CultureInfo.InvariantCulture,
            $"<text x=\"{left}\" y=\"{top}\" font-size=\"13\" font-weight=\"600\">{Text(title)}</text>\n");
        var most = bars.Select(bar => Math.Max(bar.Value ?? 0, bar.Pale ?? 0)).Append(double.Epsilon).Max();
        var scale = (PanelWidth - BarsFrom - LabelWidth) / most;
        foreach (var group in bars.GroupBy(bar => bar.Group))
        {
            top += 20;
            body.Append(CultureInfo.InvariantCulture, $"<text class=\"group\" x=\"{left}\" y=\"{top}\">{Text(group.Key)}</text>\n");
            top += 5;
            foreach (var bar in group)
            {
                Draw(body, bar, left + BarsFrom, top, scale);
                top += BarHeight + 2;
            }
        }
        return top;
    }

    private void Draw(StringBuilder body, Bar bar, int left, int top, double scale)
    {
        var end = Math.Max(0, Math.Max(bar.Value ?? 0, bar.Pale ?? 0) * scale);
        if (bar.Pale is { } pale)
        {
            Rectangle(pale, " fill-opacity=\".35\"");
        }
        if (bar.Value is { } value)
        {
            Rectangle(value, "");
        }
        var label = bar.Value?.ToString(bar.Format, CultureInfo.InvariantCulture) ?? "-";
        if (bar.Pale is { } second)
        {
            label += $" / {second.ToString(bar.Format, CultureInfo.InvariantCulture)}";
        }
        body.Append(CultureInfo.InvariantCulture, $"<text x=\"{left + end + 5:0.#}\" y=\"{top + BarHeight - 3}\">{label}</text>\n");

        void Rectangle(double length, string style) => body.Append(
            CultureInfo.InvariantCulture,
            $"<rect x=\"{left}\" y=\"{top}\" width=\"{Math.Max(1, length * scale):0.#}\" " +
            $"height=\"{BarHeight}\" fill=\"{Colour(bar.Series)}\"{style}/>");
    }

    private string Colour(string name) => Colours[Array.IndexOf(series, name) % Colours.Length];

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
