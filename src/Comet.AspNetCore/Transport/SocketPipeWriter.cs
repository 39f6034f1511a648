using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Connections;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// A connection's output that hands bytes to the socket in the call that flushes them, instead of passing them to another task. All that
/// Kestrel sends on the connection passes here too, so the order is kept. Like any <see cref="PipeWriter"/> it is for one writer at a time.
/// </summary>
internal sealed class SocketPipeWriter : PipeWriter, IDuplexPipe
{
    private const int MinBuffer = 4096;

    private readonly Socket _socket;
    private readonly IDuplexPipe _original;
    private readonly Lock _canceling = new();
    private byte[]? _buffer; // rented only while something is unflushed
    private int _length;
    private volatile bool _isClosed;
    private volatile bool _gathers;
    private volatile bool _isCanceled; // the flush that waits, or else the next one
    private CancellationTokenSource? _pending; // of the flush that waits
    private Task _sending = Task.CompletedTask; // all that was flushed

    private SocketPipeWriter(Socket socket, IDuplexPipe original, DetachableConnection? detachable)
    {
        (_socket, _original, Detachable) = (socket, original, detachable);
        _socket.Blocking = false;
    }

    public PipeReader Input => _original.Input;

    public PipeWriter Output => this;

    internal Socket Socket => _socket;

    /// <summary>The connection, if a stream can take it over.</summary>
    internal DetachableConnection? Detachable { get; }

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _length;

    /// <summary>Whether bytes leave through Kestrel's own loop, which gathers what is flushed while it sends.</summary>
    internal bool Gathers => _gathers;

    /// <summary>Makes a new one the connection's output, and a feature, which requests find behind TLS as well.</summary>
    internal static SocketPipeWriter ReplaceOutput(ConnectionContext connection, Socket socket, DetachableConnection? detachable)
    {
        var writer = new SocketPipeWriter(socket, connection.Transport, detachable);
        connection.Transport = writer;
        connection.Features.Set(writer);
        return writer;
    }

    /// <summary>
    /// Makes the connection gather from its next flush on: where many streams share it, what they flush at the same time leaves in one go.
    /// All that was flushed before has been sent, so the order is kept.
    /// </summary>
    internal void Gather() => _gathers = true;

    public override void Advance(int bytes) => _length += bytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => Reserve(sizeHint).AsMemory(_length);

    public override Span<byte> GetSpan(int sizeHint = 0) => Reserve(sizeHint).AsSpan(_length);

    // As with a pipe, what is flushed leaves whether or not somebody waits for it: a cancelled flush loses nothing.
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        var sent = 0;
        if (_sending.IsCompleted)
        {
            if (_gathers)
            {
                HandOver();
                return _original.Output.FlushAsync(cancellationToken);
            }
            sent = _length == 0 ? 0 : TrySend(_buffer.AsSpan(0, _length));
            if (sent == _length || _isClosed)
            {
                Release();
                return new(EndFlush());
            }
        }
        if (_length > 0)
        {
            _sending = SendBehindAsync(_sending, _buffer!, sent, _length);
            (_buffer, _length) = (null, 0);
        }
        return WaitAsync(cancellationToken);
    }

    // What TLS has encrypted comes by this call: it is copied only where the socket does not take it at once.
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        var isNext = _length == 0 && _sending.IsCompleted;
        if (_gathers && isNext)
        {
            return _original.Output.WriteAsync(source, cancellationToken);
        }
        var rest = source.Span[(isNext ? TrySend(source.Span) : 0)..];
        if (!rest.IsEmpty)
        {
            this.Write(rest);
        }
        return FlushAsync(cancellationToken);
    }

    /// <summary>Sends bytes past the buffer, and waits until the socket has taken them. There must be nothing unflushed.</summary>
    /// <returns>False: the connection is closed.</returns>
    internal async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None)..];
            }
            await ForgetSentAsync();
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            _isClosed = true;
        }
        return !_isClosed;
    }

    // A socket keeps the last buffer that it sent asynchronously, however long, until it sends another.
    private ValueTask<int> ForgetSentAsync() => _socket.SendAsync(ReadOnlyMemory<byte>.Empty, SocketFlags.None);

    public override void CancelPendingFlush()
    {
        if (_gathers)
        {
            _original.Output.CancelPendingFlush();
            return;
        }
        lock (_canceling)
        {
            _isCanceled = true;
            _pending?.Cancel();
        }
    }

    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        await _sending;
        Complete(exception);
    }

    /// <summary>Ends the output; while something is on its way, <see cref="CompleteAsync"/> does so later.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (exception is null && !_sending.IsCompleted)
        {
            return;
        }
        if (Detachable?.IsDetached == true)
        {
            Release();
            return; // the original output would shut the connection down
        }
        // What was never flushed leaves through the original output, which also ends the connection.
        if (exception is null && !_isClosed)
        {
            HandOver();
        }
        Release();
        _original.Output.Complete(exception);
    }

    // To the original output, behind all that was sent.
    private void HandOver()
    {
        if (_length > 0)
        {
            _original.Output.Write(_buffer.AsSpan(0, _length));
            Release();
        }
    }

    // Never fails. The buffer is its own, so that the next bytes can be written meanwhile.
    private async Task SendBehindAsync(Task before, byte[] buffer, int from, int to)
    {
        await before;
        try
        {
            while (from < to && !_isClosed)
            {
                from += await _socket.SendAsync(buffer.AsMemory(from..to), SocketFlags.None);
            }
            await ForgetSentAsync();
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            _isClosed = true;
        }
        PooledBytes.Return(buffer);
    }

    private async ValueTask<FlushResult> WaitAsync(CancellationToken cancellationToken)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        lock (_canceling)
        {
            _pending = cancel;
            if (_isCanceled)
            {
                cancel.Cancel();
            }
        }
        try
        {
            await _sending.WaitAsync(cancel.Token);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            lock (_canceling)
            {
                _pending = null;
            }
        }
        return EndFlush();
    }

    private FlushResult EndFlush()
    {
        var isCanceled = _isCanceled;
        if (isCanceled)
        {
            _isCanceled = false;
        }
        return new FlushResult(isCanceled, isCompleted: _isClosed);
    }

    /// <summary>Sends what the socket takes at once.</summary>
    /// <returns>How many bytes that were.</returns>
    internal static int TrySend(Socket socket, ReadOnlySpan<byte> bytes, out bool isClosed)
    {
        try
        {
            var sent = socket.Send(bytes, SocketFlags.None, out var error);
            isClosed = error is not SocketError.Success and not SocketError.WouldBlock;
            return error == SocketError.Success ? sent : 0;
        }
        catch (ObjectDisposedException)
        {
            isClosed = true;
            return 0;
        }
    }

    private int TrySend(ReadOnlySpan<byte> bytes)
    {
        if (_isClosed)
        {
            return 0;
        }
        var sent = TrySend(_socket, bytes, out var isClosed);
        _isClosed = isClosed;
        return sent;
    }

    private byte[] Reserve(int sizeHint)
    {
        sizeHint = Math.Max(sizeHint, 1);
        if (_buffer is null)
        {
            return _buffer = PooledBytes.Rent(Math.Max(sizeHint, MinBuffer));
        }
        if (_buffer.Length - _length < sizeHint)
        {
            var larger = PooledBytes.Rent(Math.Max(_buffer.Length * 2, _length + sizeHint));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            PooledBytes.Return(_buffer);
            _buffer = larger;
        }
        return _buffer;
    }

    private void Release()
    {
        _length = 0;
        if (_buffer is { } buffer)
        {
            _buffer = null;
            PooledBytes.Return(buffer);
        }
    }
}
