using System.Text.Json;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Feeds;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Results;

/// <summary>The stream of a feed, for any number of requests.</summary>
internal sealed class FeedResult(IFeedHandle handle, string callback, CometStreamOptions? options) : CometResult
{
    // Thousands of streams wait at the same time, so an open one keeps nothing of this: its subscriber is all there is.
    private protected override Task ExecuteAsync(HttpContext context, Func<IServiceProvider, JsonSerializerOptions> jsonOf)
    {
        var start = StartAsync(context);
        return start.IsCompletedSuccessfully ? start.Result : AwaitAsync(start);

        static async Task AwaitAsync(ValueTask<Task> start) => await await start;
    }

    // Returns a task that completes when the response has ended.
    private async ValueTask<Task> StartAsync(HttpContext context)
    {
        // A request that is rejected begins no feed.
        var request = new ConnectionRequest(callback, options, AuthorizationPolicy: handle.Options.AuthorizationPolicy);
        if (await handle.Services.Acceptor.AcceptAsync(context, request) is not { } settings)
        {
            return Task.CompletedTask;
        }
        var now = handle.Services.Clock.Now; // before the store is read, which takes nothing of a sign-in's time
        FeedCore? feed = null;
        FeedReader? reader = null;
        Subscriber? subscriber = null;
        try
        {
            feed = handle.Acquire();
            reader = await FindStartAsync(context, feed, settings);
            if (reader is null)
            {
                return Task.CompletedTask;
            }
            var activity = CometActivity.Stream(feed.Family, settings.Format.Name); // whose listeners are the app's, and may throw
            subscriber = new Subscriber(settings, now, feed.FanOut) { Activity = activity };
        }
        finally
        {
            if (subscriber is null)
            {
                feed?.Release();
                settings.Lease.Dispose();
            }
        }
        try
        {
            feed.Services.CountOpened(subscriber, feed.Family);
            RequestTelemetry.SetLongRunning(context);
            if (feed.Options.WhenSlow == SlowClientPolicy.Latest)
            {
                settings.Writer.KeepLittleUnsent();
            }
            if (await OpenAsync(feed, subscriber, settings, reader) is { } ended)
            {
                subscriber.EndAtOnce(ended);
            }
            else
            {
                subscriber.Follow();
            }
        }
        catch (Exception exception)
        {
            subscriber.EndAtOnce(EndReason.Error, exception);
        }
        return subscriber.Completion;
    }

    // Null: the request was answered otherwise.
    private static async ValueTask<FeedReader?> FindStartAsync(HttpContext context, FeedCore feed, ConnectionSettings settings)
    {
        var services = feed.Services;
        var (aborted, drainEnded) = (settings.Writer.Aborted, services.Shutdown.DrainEnded);
        Rejection rejection;
        try
        {
            using var ending = feed.IsStoreOutside ? CancellationTokenSource.CreateLinkedTokenSource(aborted, drainEnded) : null;
            return await FeedReader.StartAsync(feed, settings.Start, ending?.Token ?? default);
        }
        catch (OperationCanceledException) when (aborted.IsCancellationRequested)
        {
            return null;
        }
        catch (OperationCanceledException) when (drainEnded.IsCancellationRequested)
        {
            rejection = Rejection.Stopping(services.ReconnectDelay.Next());
        }
        catch (FeedUnavailableException exception)
        {
            CometLog.FeedUnavailable(services.Logger, exception, feed.Name.ToString());
            rejection = Rejection.StoreUnavailable(services.ReconnectDelay.Next());
        }
        settings.Lease.Dispose(); // before the client learns that it has none, and may come again
        context.Response.Clear();
        await rejection.WriteAsync(context);
        return null;
    }

    // Sends the head, says where the stream starts, and catches up with the tail. Returns why the stream has ended meanwhile, or null.
    private static async ValueTask<EndReason?> OpenAsync(
        FeedCore feed, Subscriber subscriber, ConnectionSettings settings, FeedReader reader)
    {
        using var writer = new ConnectionWriter(subscriber, feed.Services, feed.Family);
        writer.WriteHead(settings, reader.Position, reader.Recovered);
        var wasLostAtStart = reader.Recovered == false;
        EndReason? ended = null;
        if (reader.HasStored)
        {
            using var catchUp = new CatchUp(feed, subscriber, writer, reader); // its first piece leaves with the head
            ended = await catchUp.RunAsync();
        }
        ended ??= await writer.FlushAsync();
        // When entries were trimmed before it had them, the fan-out tells the client, as after every reset.
        subscriber.Cursor = reader.Recovered == false && !wasLostAtStart ? TailCursor.Lost : reader.Cursor;
        return ended;
    }
}
