using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Connections;

/// <summary>One connection that is being written to. Not thread-safe: whoever writes also asks when it must end.</summary>
internal class Connection
{
    private readonly ResponseWriter _outlet;
    private readonly long _startedAt;
    private readonly long _heartbeat;
    private readonly long _maxBytes;
    private long _endAt;
    private EndReason _endAtReason;
    private long _lastWrite;
    private long _bytes;

    internal Connection(ConnectionSettings opening, long now)
    {
        _outlet = opening.ResponseWriter;
        Format = opening.Format;
        Nonce = opening.Nonce;
        _startedAt = _lastWrite = now;
        _heartbeat = (long)opening.Heartbeat.TotalMilliseconds;
        _maxBytes = opening.MaxBytes ?? long.MaxValue;
        (_endAt, _endAtReason) = (long.MaxValue, EndReason.None);
        if (opening.MaxAge is { } age)
        {
            EndBy(now + (long)age.TotalMilliseconds, EndReason.Recycled);
        }
        if (opening.AuthenticationLifetime is { } lifetime)
        {
            EndBy(now + (long)lifetime.TotalMilliseconds, EndReason.AuthenticationExpired);
        }
    }

    /// <inheritdoc cref="ResponseWriter.Aborted"/>
    internal CancellationToken Aborted => _outlet.Aborted;

    internal WireFormat Format { get; private protected set; }

    internal Nonce Nonce { get; }

    internal bool IsStopping { get; set; }

    internal long AgeAt(long now) => now - _startedAt;

    /// <summary>It sent so much that it must end now.</summary>
    internal bool IsFull => _bytes > _maxBytes;

    internal bool IsHeartbeatDue(long now) => now - _lastWrite >= _heartbeat;

    /// <summary>When nothing else happens, this is when the stream wants to be looked at again.</summary>
    internal long NextDeadline => Math.Min(_endAt, _lastWrite + _heartbeat);

    internal void EndBy(long time, EndReason reason)
    {
        if (time < _endAt)
        {
            (_endAt, _endAtReason) = (time, reason);
        }
    }

    /// <summary>Why the stream must end now, or <see cref="EndReason.None"/>.</summary>
    internal EndReason DueEnd(long now) =>
        now >= _endAt ? _endAtReason : IsFull ? EndReason.Recycled : EndReason.None;

    /// <inheritdoc cref="ResponseWriter.WriteAsync"/>
    internal ValueTask<bool> WriteAsync(FrameBuffer block, long now)
    {
        _lastWrite = now;
        _bytes += block.Length;
        block.WriteNonce(Nonce);
        return _outlet.WriteAsync(block);
    }

    /// <inheritdoc cref="ResponseWriter.HasProgressed"/>
    internal bool HasProgressed() => _outlet.HasProgressed();

    /// <inheritdoc cref="ResponseWriter.CompleteAsync"/>
    internal ValueTask<bool> CompleteAsync() => _outlet.CompleteAsync();

    /// <inheritdoc cref="ResponseWriter.Abort"/>
    internal void Abort() => _outlet.Abort();
}
