using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// One connection that is written to. Not thread-safe: one task at a time writes to it and checks its deadlines. Times are milliseconds
/// of <see cref="MonotonicClock"/>.
/// </summary>
internal class Connection
{
    private const long Never = long.MaxValue;
    private const long NotBusy = -1;

    // How long a client that is due to end has to take what was written before, so that it can be told why.
    private const long Grace = 1000;

    private ResponseWriter _writer;
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
        if (settings.Wait is { } wait)
        {
            IsPoll = true;
            if (now + (long)wait.TotalMilliseconds < _endAt)
            {
                (_endAt, _endReason) = (now + (long)wait.TotalMilliseconds, EndReason.Polled);
            }
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

    /// <summary>Whether it ends after the first messages.</summary>
    internal bool IsPoll { get; }

    /// <summary>When in the drain time of a host that stops the connection ends: from 0, at its beginning, to 1.</summary>
    internal float DrainShare => _drainShare;

    /// <summary>Whether a write is under way: the client takes its bytes slower than they come.</summary>
    internal bool IsBusy => _busySince != NotBusy;

    /// <summary>Since when the write under way has made no progress.</summary>
    internal long BusySince => _busySince;

    /// <summary>Whether more bytes were sent than a stream may have, so that it must end now.</summary>
    internal bool IsFull => _bytesLeft < 0;

    /// <summary>When a heartbeat or the end of the stream is due, unless something is written before.</summary>
    internal long NextDeadline => Math.Min(_endAt, _lastWrite + _heartbeat);

    internal long AgeAt(long now) => now - _startedAt;

    /// <summary>
    /// What there is to tell. Safe for concurrent use: what changes is two longs, each of which is read once, and whole on 64 bits; they
    /// may be of slightly different moments.
    /// </summary>
    internal ConnectionReport ReportAt(long now)
    {
        var busySince = Volatile.Read(ref _busySince);
        long? waiting = busySince == NotBusy ? null : Math.Max(0, now - busySince);
        return new(this, Format, AgeAt(now), waiting, Volatile.Read(ref _bytesLeft));
    }

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

    /// <summary>Whether it should have ended for a while: as old as it may be, or its sign-in has expired.</summary>
    internal bool IsOverdue(long now) => now >= OverdueAt;

    /// <summary>When a connection that is due to end is cut, if it is still busy then.</summary>
    internal long OverdueAt => _endAt == Never ? Never : _endAt + Grace;

    /// <summary>Writes. Unless it completes at once, the connection is busy until <see cref="WriteEnded"/>.</summary>
    /// <inheritdoc cref="ResponseWriter.WriteAsync(FrameBuffer)"/>
    internal ValueTask<bool> WriteAsync(FrameBuffer buffer, long now)
    {
        _lastWrite = now;
        _bytesLeft -= buffer.Length;
        buffer.WriteNonce(Nonce);
        return Begin(_writer.WriteAsync(buffer), now);
    }

    /// <summary>Writes a frame that connections share. As for the other writes.</summary>
    /// <inheritdoc cref="ResponseWriter.WriteAsync(EncodedFrame, Nonce)"/>
    internal ValueTask<bool> WriteAsync(EncodedFrame frame, long now)
    {
        _lastWrite = now;
        _bytesLeft -= frame.Content.Length;
        return Begin(_writer.WriteAsync(frame, Nonce), now);
    }

    /// <inheritdoc cref="ResponseWriter.EndReadingAsync"/>
    internal Task EndReadingAsync() => _writer.EndReadingAsync();

    /// <summary>Ends the body, as a last write.</summary>
    /// <inheritdoc cref="ResponseWriter.CompleteAsync"/>
    internal ValueTask<bool> CompleteAsync(long now) => Begin(_writer.CompleteAsync(), now);

    internal void WriteEnded() => _busySince = NotBusy;

    /// <summary>Begins the time of <see cref="BusySince"/> anew if the client has taken a part of the write under way.</summary>
    internal void NoteProgress(long now)
    {
        if (_writer.TakeProgress())
        {
            _busySince = now;
        }
    }

    /// <inheritdoc cref="ResponseWriter.Abort"/>
    internal void Abort() => _writer.Abort();

    /// <inheritdoc cref="ResponseWriter.Release"/>
    internal void Release() => _writer.Release();

    /// <summary>From now on it is written to by another writer.</summary>
    private protected void MoveTo(ResponseWriter writer) => _writer = writer;

    private ValueTask<bool> Begin(ValueTask<bool> write, long now)
    {
        if (!write.IsCompletedSuccessfully)
        {
            _busySince = now;
        }
        return write;
    }
}
