using System.Buffers;
using System.IO.Pipelines;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Transport;

/// <summary>Through the response's body, whatever server, protocol and middleware are behind it.</summary>
internal sealed class BodyResponseWriter(HttpContext context) : ResponseWriter(context)
{
    // A write that is longer goes in pieces, so that one can see whether a slow client takes any.
    private const int Piece = 64 * 1024;

    private readonly PipeWriter _body = context.Response.BodyWriter;
    private volatile bool _hasProgressed;

    internal override ValueTask<bool> WriteAsync(FrameBuffer block)
    {
        if (block.Length > Piece)
        {
            var copy = ArrayPool<byte>.Shared.Rent(block.Length);
            block.Content.CopyTo(copy);
            return WritePiecesAsync(copy, block.Length);
        }
        _body.Write(block.Content);
        return FlushAsync(_body);
    }

    internal override bool HasProgressed()
    {
        var hasProgressed = _hasProgressed;
        _hasProgressed = false;
        return hasProgressed;
    }

    internal static ValueTask<bool> FlushAsync(PipeWriter body)
    {
        var flush = body.FlushAsync();
        return flush.IsCompletedSuccessfully ? new(!flush.Result.IsCompleted) : AwaitAsync(flush);

        static async ValueTask<bool> AwaitAsync(ValueTask<FlushResult> flush) => !(await flush).IsCompleted;
    }

    private async ValueTask<bool> WritePiecesAsync(byte[] bytes, int length)
    {
        try
        {
            for (var at = 0; at < length; at += Piece)
            {
                _body.Write(bytes.AsSpan(at, Math.Min(Piece, length - at)));
                if (!await FlushAsync(_body))
                {
                    return false;
                }
                _hasProgressed = true;
            }
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
