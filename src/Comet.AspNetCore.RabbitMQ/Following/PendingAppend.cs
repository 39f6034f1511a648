namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>An entry on its way into a stream, or a marker that somebody waits for.</summary>
internal sealed class PendingAppend(string? feed, ReadOnlyMemory<byte> payload, DateTimeOffset at)
{
    private readonly TaskCompletionSource<FeedPosition> _stored = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal string? Feed { get; } = feed;

    internal ReadOnlyMemory<byte> Payload { get; } = payload;

    internal DateTimeOffset At { get; } = at;

    /// <summary>Its place among all that were to be sent, however often it is.</summary>
    internal long Order { get; set; }

    /// <summary>Its number while it is sent.</summary>
    internal long Sequence { get; set; }

    /// <summary>The epoch it was sent in.</summary>
    internal string? Epoch { get; set; }

    /// <summary>Up to which offset this server had read when it was sent.</summary>
    internal long Floor { get; set; }

    /// <summary>When it was sent, as <see cref="TimeProvider.GetTimestamp"/> counts.</summary>
    internal long SentAt { get; set; }

    /// <summary>Set when nobody waits any more: it is not sent again.</summary>
    internal bool IsAbandoned { get; set; }

    /// <summary>Its place, once it was read back.</summary>
    internal Task<FeedPosition> Stored => _stored.Task;

    internal void Complete(FeedPosition position) => _stored.TrySetResult(position);

    internal void Fail(Exception exception) => _stored.TrySetException(exception);
}
