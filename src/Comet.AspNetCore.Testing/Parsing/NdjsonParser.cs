using System.Buffers;
using System.Text.Json;

namespace Comet.AspNetCore.Testing.Parsing;

internal sealed class NdjsonParser : MessageParser
{
    internal override CometMessage? TryRead(ref ReadOnlySequence<byte> received)
    {
        if (received.PositionOf((byte)'\n') is not { } end)
        {
            return null;
        }
        var line = Json.Parse(received.Slice(0, end).ToArray());
        received = received.Slice(received.GetPosition(1, end));
        if (line.ValueKind != JsonValueKind.Object || !line.TryGetProperty("type", out var type))
        {
            throw new FormatException("A line is no object with a type.");
        }
        if (!type.ValueEquals("message"))
        {
            return ControlMessage.Create(type.GetString(), line);
        }
        if (!line.TryGetProperty("data", out var data))
        {
            throw new FormatException("A message has no data.");
        }
        return new(CometMessageKind.Message)
        {
            Value = data,
            Text = data.GetRawText(),
            Feed = line.TryGetProperty("feed", out var feed) ? feed.GetString() : null,
            Id = line.TryGetProperty("id", out var id) ? id.GetString() : null,
        };
    }
}
