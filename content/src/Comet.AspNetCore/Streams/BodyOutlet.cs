using System.Buffers;
using System.IO.Pipelines;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Streams;

/// <summary>Through the response's body, whatever server, protocol and middleware are behind it.</summary>
internal sealed class BodyOutlet(HttpContext context) : Outlet(context)
{
    private readonly PipeWriter _body = context.Response.BodyWriter;

    internal override ValueTask<bool> WriteAsync(Block block)
    {
        _body.Write(block.Content);
        return FlushAsync(_body);
    }

    internal static ValueTask<bool> FlushAsync(PipeWriter body)
    {
        var flush = body.FlushAsync();
        return flush.IsCompletedSuccessfully ? new(!flush.Result.IsCompleted) : AwaitAsync(flush);

        static async ValueTask<bool> AwaitAsync(ValueTask<FlushResult> flush) => !(await flush).IsCompleted;
    }
}
