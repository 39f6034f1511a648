using System.Text.Json;

namespace Comet.AspNetCore.Testing.Parsing;

internal static class Json
{
    // An app may nest its values deeper than JsonDocument's default of 64.
    private static readonly JsonReaderOptions Options = new() { MaxDepth = int.MaxValue };

    /// <summary>The one JSON value that <paramref name="text"/> is.</summary>
    internal static JsonElement Parse(ReadOnlySpan<byte> text)
    {
        var value = ParseFirst(text, out var length);
        return length == text.Length ? value : throw new FormatException("There is something after the end of a JSON value.");
    }

    /// <summary>The JSON value that <paramref name="text"/> begins with.</summary>
    internal static JsonElement ParseFirst(ReadOnlySpan<byte> text, out int length)
    {
        var reader = new Utf8JsonReader(text, isFinalBlock: true, new JsonReaderState(Options));
        try
        {
            var value = JsonElement.ParseValue(ref reader);
            length = (int)reader.BytesConsumed;
            return value;
        }
        catch (JsonException e)
        {
            throw new FormatException("Not JSON: " + e.Message, e);
        }
    }
}
