using System.Buffers;
using System.Text.Json;

namespace Comet.AspNetCore.Formats;

/// <summary>What a stream says about itself. See docs/wire-protocol.md.</summary>
internal readonly record struct ControlMessage
{
    [ThreadStatic]
    private static Utf8JsonWriter? t_writer;

    private ControlMessage(string type) => Type = type;

    /// <summary>The reason of an end after which nothing comes.</summary>
    internal const string Completed = "completed";

    /// <summary>Nothing else was sent for a while.</summary>
    internal static readonly ControlMessage Heartbeat = new("heartbeat");

    /// <summary>Nothing else was sent for a while, and up to this position there is nothing to send.</summary>
    internal static ControlMessage HeartbeatAt(string id) => new(Heartbeat.Type) { Id = id };

    internal bool IsHeartbeat => Type == Heartbeat.Type;

    internal string Type { get; }

    /// <summary>The name of the feed that it is about; null: all of them, or the only one.</summary>
    internal EncodedFeedName? Name { get; init; }

    internal string? Id { get; private init; }
    internal bool? Recovered { get; private init; }
    internal long? HeartbeatMilliseconds { get; private init; }
    internal string? Audience { get; private init; }
    internal long? Count { get; private init; }
    internal string? Reason { get; private init; }
    internal long? Retry { get; private init; }

    /// <summary>
    /// What native <c>EventSource</c> names when it comes back, instead of <see cref="Id"/>; no field of the message. Empty: what it knows.
    /// </summary>
    internal string? EventId { get; init; }

    /// <summary>The first message of a stream.</summary>
    /// <param name="id">The position that the stream of a feed starts after.</param>
    /// <param name="recovered">Whether that is the position that was asked for; null: none was.</param>
    /// <param name="heartbeat">How long the stream is silent at most; null: it was told.</param>
    /// <param name="audience">For whom it is; null: for anybody, or it was told.</param>
    internal static ControlMessage Open(string? id, bool? recovered, TimeSpan? heartbeat, string? audience) => new("open")
    {
        Id = id,
        Recovered = recovered,
        HeartbeatMilliseconds = (long?)heartbeat?.TotalMilliseconds,
        Audience = audience,
    };

    /// <summary>The client may have missed something, and its position is this one now.</summary>
    internal static ControlMessage Reopen(string id) => new("open") { Id = id, Recovered = false };

    /// <summary>So many messages were left out.</summary>
    internal static ControlMessage Skipped(long count) => new("skipped") { Count = count };

    /// <summary>The last message of a stream.</summary>
    /// <param name="reason">Its name on the wire.</param>
    /// <param name="retry">When to come back; null: not at all.</param>
    /// <param name="eventId">What a client that comes back all the same names, or null.</param>
    internal static ControlMessage End(string reason, TimeSpan? retry, string? eventId = null) =>
        new("end") { Reason = reason, Retry = (long?)retry?.TotalMilliseconds, EventId = eventId };

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
        if (Name is not null)
        {
            json.WritePropertyName("feed"u8);
            json.WriteRawValue(Name.Json);
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
        if (Audience is not null)
        {
            json.WriteString("audience"u8, Audience);
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
