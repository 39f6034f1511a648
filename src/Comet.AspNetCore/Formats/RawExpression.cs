using System.Buffers;

namespace Comet.AspNetCore.Formats;

/// <summary>JavaScript expressions of the app itself, which must not leave their script element.</summary>
internal static class RawExpression
{
    internal static void Write(ReadOnlyMemory<byte> expression, IBufferWriter<byte> output)
    {
        var rest = expression.Span;
        for (int at; (at = rest.IndexOf((byte)'<')) >= 0; rest = rest[(at + 1)..])
        {
            var tail = rest[(at + 1)..];
            if (tail.StartsWith("!--"u8) || StartsWithScript(tail) || (tail.StartsWith("/"u8) && StartsWithScript(tail[1..])))
            {
                throw new InvalidOperationException(
                    "A raw expression contains \"<!--\", \"<script\" or \"</script\", which would end or swallow its script element. " +
                    "Write \"\\x3C\" for \"<\" inside strings, or send the value with CometResults.Json.");
            }
        }
        output.Write(expression.Span);
    }

    private static bool StartsWithScript(ReadOnlySpan<byte> text) =>
        text.Length >= 6 && System.Text.Ascii.EqualsIgnoreCase(text[..6], "script"u8);
}
