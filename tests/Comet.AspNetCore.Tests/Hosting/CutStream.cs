namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>
/// A body whose connection breaks so many bytes after a moment, wherever that is in a message, or when so many do not come.
/// </summary>
internal sealed class CutStream(Stream inner, CancellationToken cut, int bytesLater) : Stream
{
    private static readonly TimeSpan LaterAtMost = TimeSpan.FromMilliseconds(20);

    private int _left = bytesLater;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var cutting = cut.Register(() => either.CancelAfter(_left > 0 ? LaterAtMost : TimeSpan.Zero));
        if (cut.IsCancellationRequested)
        {
            if (_left == 0)
            {
                throw new CutException();
            }
            buffer = buffer[..Math.Min(buffer.Length, _left)];
        }
        try
        {
            var read = await inner.ReadAsync(buffer, either.Token);
            _left -= cut.IsCancellationRequested ? Math.Min(read, _left) : 0;
            return read;
        }
        catch (Exception exception) when (
            exception is OperationCanceledException or ObjectDisposedException &&
            cut.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new CutException();
        }
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() => throw new NotSupportedException();
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    internal sealed class CutException : IOException;
}
