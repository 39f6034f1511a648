using System.Buffers;
using System.Text.Json;

namespace Comet.AspNetCore.Formats;

/// <summary>What a stream says about itself. See docs/wire-protocol.md.</summary>
internal readonly record struct ControlMessage(string Type)
{
    [ThreadStatic]
    private static Utf8JsonWriter? t_writer;

    internal static readonly ControlMessage Heartbeat = new("heartbeat");

    internal string? Id { get; init; }
    internal bool? Recovered { get; init; }
    internal long? HeartbeatMilliseconds { get; init; }
    internal long? Count { get; init; }
    internal string? Reason { get; init; }
    internal long? Retry { get; init; }

    internal static ControlMessage Skipped(long count) => new("skipped") { Count = count };

    internal static ControlMessage End(EndReason reason, TimeSpan? retry) =>
        new("end") { Reason = reason.ToWire(), Retry = (long?)retry?.TotalMilliseconds };

    /// <summary>The fields as one JSON object, with the type or without it.</summary>
    internal void WriteJson(IBufferWriter<byte> output, bool withType)
    {
        var json = t_writer ??= new Utf8JsonWriter(output);
        json.Reset(output);
        json.WriteStartObject();
        if (withType)
        {
            json.WriteString("type"u8, Type);
        }
        if (Id is not null)
        {
            json.WriteString("id"u8, Id);
        }
        if (Recovered is { } recovered)
        {
            json.WriteBoolean("recovered"u8, recovered);
        }
        if (HeartbeatMilliseconds is { } heartbeat)
        {
            json.WriteNumber("heartbeat"u8, heartbeat);
        }
        if (Count is { } count)
        {
            json.WriteNumber("count"u8, count);
        }
        if (Reason is not null)
        {
            json.WriteString("reason"u8, Reason);
        }
        if (Retry is { } retry)
        {
            json.WriteNumber("retry"u8, retry);
        }
        json.WriteEndObject();
        json.Flush();
    }
}
