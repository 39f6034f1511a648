using System.Buffers;
using System.IO.Pipelines;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Transport;

/// <summary>Writes a stream as the response to a request that goes on as long as the stream.</summary>
internal abstract class HttpResponseWriter(HttpContext context) : ResponseWriter
{
    protected static readonly Func<ResponseWriter, ReadOnlyMemory<byte>, ValueTask<bool>> FlushPiece =
        static (writer, piece) => ((HttpResponseWriter)writer).FlushBodyAsync(piece.Span);

    private readonly RequestRest? _rest = RequestRest.ReadFollowing(context);
    private bool _keepsLittleUnsent;

    internal override CancellationToken Aborted => context.RequestAborted;

    protected HttpContext Context => context;

    /// <summary>Where the body goes.</summary>
    protected virtual PipeWriter Output => context.Response.BodyWriter;

    internal override ValueTask<bool> WriteAsync(EncodedFrame frame, Nonce nonce) =>
        WritePiecesAsync(frame, frame.Start, frame.End, nonce, FlushPiece);

    /// <summary>Makes writes wait before the system holds much for the client, so that what it receives is not old.</summary>
    internal void KeepLittleUnsent() => _keepsLittleUnsent = UnsentLimit.TrySet(context);

    /// <inheritdoc cref="RequestRest.EndAsync"/>
    internal override Task EndReadingAsync() => _rest?.EndAsync() ?? Task.CompletedTask;

    /// <summary>Lets the stream go on when its request has ended, which it must at once, without this writer.</summary>
    /// <returns>False: it cannot, and the request has to go on as long as the stream.</returns>
    internal virtual bool TryDetach(IDetachableStream stream) => false;

    protected override ValueTask<bool> EndAsync()
    {
        if (_keepsLittleUnsent)
        {
            UnsentLimit.Remove(context);
        }
        return context.Response.HasStarted ? EndBodyAsync() : new(true);
    }

    protected override void AbortConnection() => context.Abort();

    protected virtual ValueTask<bool> EndBodyAsync() => new(true);

    /// <summary>Writes what a buffer holds to the body.</summary>
    /// <param name="buffer">May be reused as soon as this returns.</param>
    /// <param name="asChunk">Whether to write the framing of a chunk, too.</param>
    /// <inheritdoc cref="ResponseWriter.WriteAsync(FrameBuffer)"/>
    protected ValueTask<bool> WriteBodyAsync(FrameBuffer buffer, bool asChunk)
    {
        var bytes = asChunk ? buffer.Chunk : buffer.Content;
        if (bytes.Length <= PieceLength)
        {
            return FlushBodyAsync(bytes);
        }
        var frame = buffer.Share();
        var (from, to) = asChunk ? (0, frame.Length) : (frame.Start, frame.End);
        return WritePiecesAsync(frame, from, to, buffer.Nonce, FlushPiece);
    }

    protected ValueTask<bool> FlushBodyAsync(ReadOnlySpan<byte> bytes)
    {
        var output = Output;
        output.Write(bytes);
        var flush = output.FlushAsync();
        return flush.IsCompletedSuccessfully ? new(!flush.Result.IsCompleted) : AwaitAsync(flush);

        static async ValueTask<bool> AwaitAsync(ValueTask<FlushResult> flush) => !(await flush).IsCompleted;
    }
}
