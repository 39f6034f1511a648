using System.Text.Json;

namespace Comet.AspNetCore.Testing;

/// <summary>One message of a stream. Properties that do not belong to its <see cref="Kind"/>, or were not sent, are null.</summary>
public sealed class CometMessage
{
    internal CometMessage(CometMessageKind kind) => Kind = kind;

    /// <summary>What it is.</summary>
    public CometMessageKind Kind { get; }

    /// <summary>The function that the page is asked to call, such as <c>parent.clockChanged</c>. Only script tags name one.</summary>
    public string? Callback { get; internal init; }

    /// <summary>
    /// The value as <c>JSON.parse</c> would give it. Its <see cref="JsonElement.ValueKind"/> is <see cref="JsonValueKind.Undefined"/> if
    /// the message has none, or has a JavaScript expression that is not JSON (<c>CometResults.Raw</c>): see <see cref="Text"/>.
    /// </summary>
    public JsonElement Value { get; internal init; }

    /// <summary>The JSON or the JavaScript expression, as it was sent.</summary>
    public string? Text { get; internal init; }

    /// <summary>
    /// Send this as <c>Last-Event-ID</c> to resume after the message. For <see cref="CometMessageKind.Open"/>: where the stream starts. For
    /// <see cref="CometMessageKind.Heartbeat"/>: a position up to which the feed has no other message, or null when that has not moved.
    /// </summary>
    public string? Id { get; internal init; }

    /// <summary>The feed that it is from, or about; null on a stream that has no other, or where it is about all of them.</summary>
    public string? Feed { get; internal init; }

    /// <summary>What native <c>EventSource</c> would send when it came back after this message. Null in the other formats.</summary>
    public string? LastEventId { get; internal set; }

    /// <summary>Whether everything after the id that was asked for follows; null: no id was asked for.</summary>
    public bool? Recovered { get; internal init; }

    /// <summary>A silence of half as long again, or of two seconds more if that is longer, means that the connection is dead.</summary>
    public TimeSpan? HeartbeatInterval { get; internal init; }

    /// <summary>How many messages were left out.</summary>
    public long? Count { get; internal init; }

    /// <summary>Why the stream ends: <c>completed</c>, <c>error</c>, <c>shutting-down</c>, <c>draining</c>, <c>too-slow</c>,
    /// <c>authentication-expired</c> or <c>recycled</c>; of one feed: <c>completed</c> or <c>not-allowed</c>.</summary>
    public string? Reason { get; internal init; }

    /// <summary>How long to wait before coming back; null at the end of a stream: do not come back.</summary>
    public TimeSpan? Retry { get; internal init; }

    /// <summary>The kind, and what tells one message from another: the feed, the id, the value, the reason.</summary>
    public override string ToString() =>
        string.Join(' ', new[] { Kind.ToString(), Feed, Id, Callback, Text, Reason }.Where(part => part is not null));
}
