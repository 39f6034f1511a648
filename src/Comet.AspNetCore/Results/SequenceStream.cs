using System.Buffers;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Results;

/// <summary>
/// Writes one sequence to one connection. Messages that are ready together leave in one write. While none is ready the stream holds no
/// buffer, and its task wakes only when a heartbeat or its end is due.
/// </summary>
internal sealed class SequenceStream<T> : IHeartbeatHandler, IReportingStream
{
    // A source that is always ready is flushed this often, so that memory stays small and the client sees progress.
    private const int FlushAt = 16 * 1024;

    // In milliseconds: a stream that fails before has nothing that is worth another attempt.
    private const long Lasting = 60_000;

    private readonly SequenceSource<T> _source;
    private readonly Action<T, IBufferWriter<byte>> _encode;
    private readonly StreamPosition? _start;
    private readonly ConnectionLease _lease;
    private readonly ConnectionServices _services;
    private readonly HttpContext _context;
    private readonly CancellationToken _aborted;
    private readonly ConnectionWriter _writer;
    private long _messages;

    internal SequenceStream(
        IAsyncEnumerable<T> source,
        Action<T, IBufferWriter<byte>> encode,
        ConnectionSettings settings,
        ConnectionServices services,
        HttpContext context)
    {
        _source = new SequenceSource<T>(source, services.Logger);
        (_encode, _start, _lease, _services, _context) = (encode, settings.Start, settings.Lease, services, context);
        (Path, _aborted) = (context.Request.Path, context.RequestAborted);
        _writer = new ConnectionWriter(new Connection(settings, services.Clock.Now), services, feeds: null);
        _writer.WriteHead(settings);
        _writer.WriteControl(ControlMessage.Open(id: null, recovered: null, settings.Heartbeat, settings.Audience));
    }

    // The request itself is its own task's only.
    public string Path { get; }

    public object? Holder => _lease.Holder;

    public long Messages => Volatile.Read(ref _messages);

    public ConnectionReport Report() => Connection.ReportAt(_services.Clock.Now);

    public long OnHeartbeat()
    {
        var deadline = _services.NextDeadline(Connection);
        if (_services.Clock.Now < deadline)
        {
            return deadline; // what is written meanwhile moves it later, and a host that stops calls all
        }
        _source.Wake();
        return IHeartbeatHandler.NextBeat;
    }

    private Connection Connection => _writer.Connection;

    /// <summary>Writes the sequence to its end. Completes when the response has ended, and gives the lease back.</summary>
    internal async Task RunAsync()
    {
        using var lease = _lease;
        var abortion = _aborted.UnsafeRegister(static state => ((SequenceStream<T>)state!).OnAborted(), this);
        var reason = EndReason.Error;
        try
        {
            _services.CountOpened(Connection, feed: null);
            RequestTelemetry.SetLongRunning(_context);
            _services.Heartbeat.Add(this);
            reason = await WriteElementsAsync();
            reason = await _writer.EndAsync(reason, SequencePosition.Ended);
        }
        finally
        {
            abortion.Unregister();
            _writer.Dispose();
            _services.Heartbeat.Remove(this);
            _services.CountEnded(Connection, feed: null, reason);
        }
        await _services.WriteDeadline.CompleteAsync(Connection);
    }

    // The source first, which may be busy where it cannot be waited for.
    private void OnAborted()
    {
        _source.Cancel();
        _source.Wake();
    }

    private async ValueTask<EndReason> WriteElementsAsync()
    {
        try
        {
            while (true)
            {
                if (!_source.MoveOn())
                {
                    if (await _writer.FlushAsync() is { } endedByFlush)
                    {
                        return endedByFlush;
                    }
                    if (Connection.IsPoll && _messages > 0)
                    {
                        return EndReason.Polled;
                    }
                }
                EndReason? due;
                while ((due = DueEnd()) is null && !_source.HasMoved)
                {
                    if (Connection.IsHeartbeatDue(_services.Clock.Now))
                    {
                        _writer.WriteControl(ControlMessage.Heartbeat);
                        if (await _writer.FlushAsync() is { } endedByHeartbeat)
                        {
                            return endedByHeartbeat;
                        }
                    }
                    await _source.WaitAsync();
                }
                if (due is not null)
                {
                    return due;
                }
                if (!_source.EndMove())
                {
                    return EndReason.Completed;
                }
                if (!TryWrite(_source.Current))
                {
                    return FailAt(SequencePosition.FailedAfter(_messages));
                }
                if (_writer.UnflushedBytes >= FlushAt)
                {
                    if (await _writer.FlushAsync() is { } endedByFlush)
                    {
                        return endedByFlush;
                    }
                    if (Connection.IsPoll)
                    {
                        return EndReason.Polled;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (_aborted.IsCancellationRequested)
        {
            return EndReason.ClientDisconnected;
        }
        catch (Exception exception)
        {
            LogFailure(exception);
            return EndReason.Error;
        }
        finally
        {
            await _source.LeaveAsync();
        }
    }

    private EndReason? DueEnd() =>
        _aborted.IsCancellationRequested ? EndReason.ClientDisconnected : _services.DueEnd(Connection);

    private bool TryWrite(T element)
    {
        var value = ThreadBuffer.Rent();
        try
        {
            _encode(element, value);
        }
        catch (Exception exception)
        {
            LogFailure(exception);
            return false;
        }
        _writer.WriteMessage(value.WrittenSpan);
        ThreadBuffer.Return(value);
        _messages++;
        return true;
    }

    // A source that fails may do better when its client comes back. A value that cannot be written will not, if it is at the same place
    // again; and where it comes at another place each time, a client that is back soon would be back for ever.
    private EndReason FailAt(FeedPosition place)
    {
        if (_start?.Only is { } before && SequencePosition.IsFailed(before) &&
            (before == place || Connection.AgeAt(_services.Clock.Now) < Lasting))
        {
            return EndReason.ErrorForGood;
        }
        _writer.WriteControl(ControlMessage.HeartbeatAt(place.ToString())); // no message, and nothing is missing before it
        return EndReason.Error;
    }

    private void LogFailure(Exception exception) =>
        CometLog.SourceFailed(_services.Logger, exception, Path, _context.TraceIdentifier);
}
