using System.Text.Encodings.Web;

namespace CometBench.Peers;

/// <summary>
/// The classic Comet helper as one would port it: every connection encodes, wraps, writes and flushes each message itself.
/// </summary>
internal static class NaiveCometPeer
{
    internal static void Map(WebApplication app)
    {
        var audience = new Audience();
        app.MapGet("/sub", async context =>
        {
            var cancellation = context.RequestAborted;
            context.Response.ContentType = "text/html; charset=utf-8";
            try
            {
                await context.Response.WriteAsync(new string(' ', 5 * 1024) + "<html><body>", cancellation);
                await context.Response.Body.FlushAsync(cancellation);
                await foreach (var message in audience.ListenAsync(cancellation))
                {
                    var script = $"<script>parent.cometMessage('{JavaScriptEncoder.Default.Encode(message)}');</script>";
                    await context.Response.WriteAsync(script, cancellation);
                    await context.Response.Body.FlushAsync(cancellation);
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // The client went away.
            }
        });
        app.MapControls("/pub", (_, message) =>
        {
            audience.Publish(message);
            return ValueTask.CompletedTask;
        });
    }
}
