using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Comet.AspNetCore.Formats;

/// <summary>
/// JSON that is safe inside a script element, on one line, whatever options and converters made it: the characters below occur in JSON
/// only inside strings (line breaks: only between tokens), so they can be replaced after the fact.
/// </summary>
internal static class SafeJson
{
    // A thread keeps a buffer that grew no larger. The JSON writer reserves three bytes per character, so this serves strings of 340,000.
    internal const int KeptCapacity = 1024 * 1024;

    // How deep values may nest is for the app's options to say.
    private static readonly JsonWriterOptions Compact = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = int.MaxValue,
    };

    // 0xE2 begins U+2028 and U+2029, which end a line in JavaScript before ES2019.
    private static readonly SearchValues<byte> Unsafe =
        SearchValues.Create((byte)'<', (byte)'>', (byte)'&', (byte)'\'', (byte)'\r', (byte)'\n', 0xE2);

    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer)? t_scratch;

    internal static void Write(string value, IBufferWriter<byte> output)
    {
        var (buffer, writer) = Rent();
        writer.WriteStringValue(value);
        writer.Flush();
        Escape(buffer.WrittenSpan, output);
        Return(buffer, writer);
    }

    internal static void Write<T>(T value, JsonSerializerOptions options, IBufferWriter<byte> output)
    {
        var (buffer, writer) = Rent();
        var declared = JsonMetadata.Of<T>(options);
        if (JsonMetadata.OfDerived(value, declared) is { } derived)
        {
            JsonSerializer.Serialize(writer, value, derived);
        }
        else
        {
            JsonSerializer.Serialize(writer, value, declared);
        }
        writer.Flush();
        Escape(buffer.WrittenSpan, output);
        Return(buffer, writer);
    }

    /// <summary>Checks JSON that was encoded elsewhere, and escapes it where that is needed.</summary>
    /// <returns>False: it is not one JSON value in UTF-8.</returns>
    internal static bool TryEscape(ReadOnlyMemory<byte> json, out ReadOnlyMemory<byte> safe)
    {
        safe = json;
        if (!IsOneValue(json.Span))
        {
            return false;
        }
        if (json.Span.ContainsAny(Unsafe))
        {
            var escaped = new ArrayBufferWriter<byte>(json.Length + 64);
            Escape(json.Span, escaped);
            safe = escaped.WrittenSpan.ToArray();
        }
        return true;
    }

    /// <summary>Copies JSON, with every character that could end a script, a line or an attribute replaced by its escape.</summary>
    internal static void Escape(ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        while (true)
        {
            var at = json.IndexOfAny(Unsafe);
            if (at < 0)
            {
                output.Write(json);
                return;
            }
            output.Write(json[..at]);
            json = json[at..];
            var length = 1;
            switch (json[0])
            {
                case (byte)'<': output.Write("\\u003C"u8); break;
                case (byte)'>': output.Write("\\u003E"u8); break;
                case (byte)'&': output.Write("\\u0026"u8); break;
                case (byte)'\'': output.Write("\\u0027"u8); break;
                case (byte)'\r' or (byte)'\n': output.Write(" "u8); break;
                default:
                    if (json.StartsWith("\u2028"u8))
                    {
                        output.Write("\\u2028"u8);
                        length = 3;
                    }
                    else if (json.StartsWith("\u2029"u8))
                    {
                        output.Write("\\u2029"u8);
                        length = 3;
                    }
                    else
                    {
                        output.Write(json[..1]);
                    }
                    break;
            }
            json = json[length..];
        }
    }

    private static bool IsOneValue(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json)) // the reader does not look into strings
        {
            return false;
        }
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
            while (reader.Read())
            {
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // The scratch is taken out while in use, as a converter may publish to a feed itself, and is dropped when it threw or grew large.
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer) Rent()
    {
        if (t_scratch is not { } scratch)
        {
            var buffer = new ArrayBufferWriter<byte>(256);
            return (buffer, new Utf8JsonWriter(buffer, Compact));
        }
        t_scratch = null;
        return scratch;
    }

    private static void Return(ArrayBufferWriter<byte> buffer, Utf8JsonWriter writer)
    {
        if (buffer.Capacity <= KeptCapacity)
        {
            buffer.ResetWrittenCount();
            writer.Reset(buffer);
            t_scratch = (buffer, writer);
        }
    }
}
