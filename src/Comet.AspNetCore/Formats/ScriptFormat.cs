using System.Buffers;

namespace Comet.AspNetCore.Formats;

/// <summary>One script element per message, which calls a function of the page that holds the frame.</summary>
internal sealed class ScriptFormat(byte[] callback) : WireFormat, IEquatable<ScriptFormat>
{
    private readonly byte[] _callback = callback;

    // JavaScript engines read a literal this nested or long slower than JSON.parse does, and deeper ones not at all.
    private const int MaxLiteralBrackets = 500;

    internal override string Name => "script";

    internal override string ContentType => "text/html; charset=utf-8";

    internal override void WriteHead(FrameBuffer buffer, int padding, ReadOnlyMemory<byte>? initialChunk)
    {
        if (initialChunk is { } chunk)
        {
            buffer.Write(chunk.Span);
            WriteHelper(buffer);
            return;
        }
        buffer.Write("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Comet stream</title>"u8);
        WriteHelper(buffer);
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        buffer.Write("</head><body>"u8);
    }

    private static void WriteHelper(FrameBuffer buffer)
    {
        WriteScriptStart(buffer);
        buffer.Write(Helper);
        buffer.Write("</script>"u8);
    }

    // The parser inserts an element, and only then runs it: every script but the last has run.
    private static ReadOnlySpan<byte> Helper =>
        """function comet(type,fields){var f=window.frameElement;"""u8 +
        """if(f){f.dispatchEvent(new CustomEvent("comet",{detail:Object.assign({type:type},fields)}))}}"""u8 +
        "\n"u8 +
        """new MutationObserver(function(){var s=document.getElementsByTagName("script");"""u8 +
        """while(s.length>1){s[0].parentNode.removeChild(s[0])}})"""u8 +
        """.observe(document.documentElement,{childList:true,subtree:true})"""u8;

    internal override void WriteMessage(
        FrameBuffer buffer, ReadOnlySpan<byte> value, ReadOnlySpan<byte> idPrefix, long offset, EncodedFeedName? feed = null)
    {
        WriteScriptStart(buffer);
        buffer.Write(_callback);
        buffer.Write("("u8);
        WriteValue(buffer, value);
        if (idPrefix.Length > 0)
        {
            buffer.Write(",\""u8);
            buffer.Write(idPrefix);
            buffer.WriteNumber(offset);
            buffer.Write("\""u8);
        }
        if (feed is not null)
        {
            buffer.Write(","u8);
            buffer.Write(feed.Json);
        }
        buffer.Write(");</script>"u8);
    }

    internal override void WriteControl(FrameBuffer buffer, in ControlMessage message)
    {
        WriteScriptStart(buffer);
        if (message == ControlMessage.Heartbeat)
        {
            buffer.Write("comet(\"heartbeat\",{});</script>"u8);
            return;
        }
        buffer.Write("comet(\""u8);
        buffer.WriteAscii(message.Type);
        buffer.Write("\","u8);
        message.WriteJson(buffer, withType: false);
        buffer.Write(");</script>"u8);
    }

    private static void WriteScriptStart(FrameBuffer buffer)
    {
        buffer.Write("<script nonce=\""u8);
        buffer.WriteNoncePlaceholder();
        buffer.Write("\">"u8);
    }

    // A literal sets the prototype where JSON.parse makes a property, for "__proto__" and any spelling of it with escapes.
    private static void WriteValue(FrameBuffer buffer, ReadOnlySpan<byte> value)
    {
        var brackets = value.Count((byte)'{') + value.Count((byte)'[');
        if (value.IndexOf("__proto__"u8) < 0 && !HasEscapedLetter(value) && brackets < MaxLiteralBrackets)
        {
            buffer.Write(value);
            return;
        }
        buffer.Write("JSON.parse('"u8);
        while (value.IndexOf((byte)'\\') is >= 0 and var at)
        {
            buffer.Write(value[..at]);
            buffer.Write("\\\\"u8);
            value = value[(at + 1)..];
        }
        buffer.Write(value);
        buffer.Write("')"u8);
    }

    private static bool HasEscapedLetter(ReadOnlySpan<byte> value)
    {
        while (value.IndexOf("\\u00"u8) is >= 0 and var at)
        {
            value = value[(at + 4)..];
            if (value.Length > 0 && value[0] is (byte)'5' or (byte)'6' or (byte)'7')
            {
                return true;
            }
        }
        return false;
    }

    public bool Equals(ScriptFormat? other) => other is not null && _callback.AsSpan().SequenceEqual(other._callback);

    public override bool Equals(object? obj) => Equals(obj as ScriptFormat);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_callback);
        return hash.ToHashCode();
    }
}
