using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Comet.AspNetCore.Testing.Parsing;

/// <summary>Lines end with CR, LF or both; an event ends with an empty line. Heartbeats are comments.</summary>
internal sealed class ServerSentEventParser : MessageParser
{
    private StringBuilder? _data;
    private string? _event;
    private string? _id;
    private string? _lastId;
    private bool _afterCarriageReturn;

    internal override CometMessage? TryRead(ref ReadOnlySequence<byte> received)
    {
        while (TryReadLine(ref received) is { } line)
        {
            if (line == ": heartbeat")
            {
                var id = _id;
                _id = null;
                return new(CometMessageKind.Heartbeat) { Id = id, LastEventId = _lastId };
            }
            if (line.Length > 0)
            {
                Field(line);
            }
            else if (Dispatch() is { } message)
            {
                message.LastEventId = _lastId;
                return message;
            }
        }
        return null;
    }

    internal override void End(ReadOnlySequence<byte> rest)
    {
        base.End(rest);
        if (_data is not null)
        {
            throw new FormatException("The stream ends in the middle of an event.");
        }
    }

    private string? TryReadLine(ref ReadOnlySequence<byte> received)
    {
        if (_afterCarriageReturn && !received.IsEmpty)
        {
            received = received.Slice(received.FirstSpan[0] == '\n' ? 1 : 0);
            _afterCarriageReturn = false;
        }
        var reader = new SequenceReader<byte>(received);
        if (!reader.TryReadToAny(out ReadOnlySequence<byte> line, "\r\n"u8, advancePastDelimiter: false))
        {
            return null;
        }
        reader.TryRead(out var delimiter);
        _afterCarriageReturn = delimiter == '\r';
        received = received.Slice(reader.Position);
        return Encoding.UTF8.GetString(line);
    }

    private void Field(string line)
    {
        var colon = line.IndexOf(':');
        var name = colon < 0 ? line : line[..colon];
        var value = colon < 0 ? "" : line[(colon + 1)..];
        value = value.StartsWith(' ') ? value[1..] : value;
        switch (name)
        {
            case "data":
                _data = _data is null ? new StringBuilder(value) : _data.Append('\n').Append(value);
                break;
            case "event":
                _event = value;
                break;
            case "id":
                _id = _lastId = value;
                break;
            case "" or "retry": // a comment; the end message says the same as "retry"
                break;
            default:
                throw new FormatException($"There is no field \"{name}\" in server-sent events.");
        }
    }

    private CometMessage? Dispatch()
    {
        var (data, name, id) = (_data?.ToString(), _event, _id);
        (_data, _event, _id) = (null, null, null);
        if (data is null)
        {
            return null;
        }
        var value = Json.Parse(Encoding.UTF8.GetBytes(data));
        return name switch
        {
            null => new(CometMessageKind.Message) { Value = value, Text = data, Id = id },
            "comet" when value.ValueKind == JsonValueKind.Object && value.TryGetProperty("type", out var type) =>
                ControlMessage.Create(type.GetString(), value),
            "comet" => throw new FormatException("A control message has no type."),
            _ => new(CometMessageKind.Message) { Feed = name, Value = value, Text = data, Id = id },
        };
    }
}
