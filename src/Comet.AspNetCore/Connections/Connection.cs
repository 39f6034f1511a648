using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// One connection that is being written to. Not thread-safe: whoever writes also checks the deadlines. Times are milliseconds of
/// <see cref="MonotonicClock"/>.
/// </summary>
internal class Connection
{
    private const long Never = long.MaxValue;
    private const long NotBusy = -1;

    private readonly ResponseWriter _writer;
    private readonly long _startedAt;
    private readonly int _heartbeat;
    private readonly float _drainShare = Random.Shared.NextSingle();
    private readonly long _endAt = Never;
    private readonly EndReason? _endReason;
    private long _lastWrite;
    private long _busySince = NotBusy;
    private long _bytesLeft;

    internal Connection(ConnectionSettings settings, long now)
    {
        _writer = settings.Writer;
        Format = settings.Format;
        Nonce = settings.Nonce;
        _startedAt = _lastWrite = now;
        _heartbeat = (int)settings.Heartbeat.TotalMilliseconds;
        _bytesLeft = settings.MaxBytes ?? long.MaxValue;
        if (settings.MaxAge is { } age)
        {
            (_endAt, _endReason) = (now + (long)age.TotalMilliseconds, EndReason.Recycled);
        }
        if (settings.AuthenticationLifetime is { } lifetime && now + (long)lifetime.TotalMilliseconds < _endAt)
        {
            (_endAt, _endReason) = (now + (long)lifetime.TotalMilliseconds, EndReason.AuthenticationExpired);
        }
    }

    /// <inheritdoc cref="ResponseWriter.Aborted"/>
    internal CancellationToken Aborted => _writer.Aborted;

    /// <inheritdoc cref="ResponseWriter.WasAborted"/>
    internal bool WasAborted => _writer.WasAborted;

    internal WireFormat Format { get; private protected set; }

    internal Nonce Nonce { get; }

    /// <summary>When a connection that drains ends: 0 is the beginning of the drain time, 1 its end.</summary>
    internal float DrainShare => _drainShare;

    /// <summary>A write is under way: the client takes its bytes slower than they come.</summary>
    internal bool IsBusy => _busySince != NotBusy;

    /// <summary>Since when the write that is under way makes no progress.</summary>
    internal long BusySince => _busySince;

    /// <summary>As many bytes were sent as a stream may have, so it ends now.</summary>
    internal bool IsFull => _bytesLeft < 0;

    /// <summary>When the stream must be looked after although nothing is published: for a heartbeat, or for its end.</summary>
    internal long NextDeadline => Math.Min(_endAt, _lastWrite + _heartbeat);

    internal long AgeAt(long now) => now - _startedAt;

    internal bool IsHeartbeatDue(long now) => now - _lastWrite >= _heartbeat;

    /// <summary>Why the stream must end now; null: it goes on.</summary>
    internal EndReason? DueEnd(long now, ConnectionShutdown shutdown)
    {
        var stopAt = shutdown.EndOf(this);
        return now >= stopAt && stopAt < _endAt ? shutdown.Reason
            : now >= _endAt ? _endReason
            : IsFull ? EndReason.Recycled
            : null;
    }

    /// <summary>Writes. Unless the result is there at once, the connection is busy until <see cref="WriteEnded"/>.</summary>
    /// <inheritdoc cref="ResponseWriter.WriteAsync"/>
    internal ValueTask<bool> WriteAsync(FrameBuffer buffer, long now)
    {
        _lastWrite = now;
        _bytesLeft -= buffer.Length;
        buffer.WriteNonce(Nonce);
        return Begin(_writer.WriteAsync(buffer), now);
    }

    /// <summary>Ends the body, as a last write.</summary>
    /// <inheritdoc cref="ResponseWriter.CompleteAsync"/>
    internal ValueTask<bool> CompleteAsync(long now) => Begin(_writer.CompleteAsync(), now);

    internal void WriteEnded() => _busySince = NotBusy;

    /// <summary>The client has taken a part of the write that is under way.</summary>
    internal bool TakeProgress(long now)
    {
        if (!_writer.TakeProgress())
        {
            return false;
        }
        _busySince = now;
        return true;
    }

    /// <inheritdoc cref="ResponseWriter.Abort"/>
    internal void Abort() => _writer.Abort();

    private ValueTask<bool> Begin(ValueTask<bool> write, long now)
    {
        if (!write.IsCompletedSuccessfully)
        {
            _busySince = now;
        }
        return write;
    }
}
