namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>An entry, or a marker, on its way into a RabbitMQ stream.</summary>
internal sealed class PendingAppend(string? feed, ReadOnlyMemory<byte> payload, DateTimeOffset at)
{
    private readonly TaskCompletionSource<FeedPosition> _stored = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal string? Feed { get; } = feed;

    internal ReadOnlyMemory<byte> Payload { get; } = payload;

    internal DateTimeOffset At { get; } = at;

    /// <summary>The order in which this server publishes; the same each time the message is sent.</summary>
    internal long Order { get; set; }

    /// <summary>The sequence number with which it was sent last.</summary>
    internal long Sequence { get; set; }

    /// <summary>The epoch in which it was sent.</summary>
    internal string? Epoch { get; set; }

    /// <summary>The offset up to which this server had read when it sent the message.</summary>
    internal long Floor { get; set; }

    /// <summary>When it was sent, as <see cref="TimeProvider.GetTimestamp"/> counts.</summary>
    internal long SentAt { get; set; }

    /// <summary>Whether its caller has stopped waiting; it is not sent again then.</summary>
    internal bool IsAbandoned { get; set; }

    /// <summary>Completes with its position when this server has read it back.</summary>
    internal Task<FeedPosition> Stored => _stored.Task;

    internal void Complete(FeedPosition position) => _stored.TrySetResult(position);

    /// <summary>The exception of a message that is longer than RabbitMQ takes.</summary>
    internal ArgumentException NewTooLarge(long maxBytes) => new(
        $"The message is {Payload.Length} bytes of JSON; RabbitMQ takes at most {maxBytes}: max_message_size in its configuration, "
        + "or what its client can receive.");

    internal void Fail(Exception exception) => _stored.TrySetException(exception);
}
