using System.Text;
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
        var feed = handle.Acquire();
        (ConnectionSettings Settings, FeedReader Reader)? accepted;
        try
        {
            accepted = await AcceptAsync(context, feed);
        }
        catch
        {
            feed.Release();
            throw;
        }
        if (accepted is not var (settings, reader))
        {
            feed.Release();
            return Task.CompletedTask;
        }
        var subscriber = new Subscriber(settings, feed.Services.Clock.Now, feed.FanOut)
        {
            Activity = CometActivity.Stream(feed.Family, settings.Format.Name),
        };
        feed.Services.CountOpened(subscriber, feed.Family);
        RequestTelemetry.SetLongRunning(context);
        if (feed.Options.WhenSlow == SlowClientPolicy.Latest)
        {
            settings.Writer.KeepLittleUnsent();
        }
        try
        {
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
    private async ValueTask<(ConnectionSettings, FeedReader)?> AcceptAsync(HttpContext context, FeedCore feed)
    {
        var services = feed.Services;
        var request = new ConnectionRequest(callback, options, AuthorizationPolicy: feed.Options.AuthorizationPolicy);
        if (await services.Acceptor.AcceptAsync(context, request) is not { } settings)
        {
            return null;
        }
        var (aborted, drainEnded) = (settings.Writer.Aborted, services.Shutdown.DrainEnded);
        Rejection rejection;
        try
        {
            using var ending = feed.IsStoreOutside ? CancellationTokenSource.CreateLinkedTokenSource(aborted, drainEnded) : null;
            return (settings, await FeedReader.StartAsync(feed, settings.Start, ending?.Token ?? default));
        }
        catch (OperationCanceledException) when (aborted.IsCancellationRequested)
        {
            settings.Lease.Dispose();
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
        catch
        {
            settings.Lease.Dispose();
            throw;
        }
        settings.Lease.Dispose();
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
        var ended = await writer.FlushAsync();
        if (ended is null && reader.HasStored)
        {
            ended = await CatchUpAsync(feed, subscriber, writer, reader);
        }
        // When entries were trimmed before it had them, the fan-out tells the client, as after every reset.
        subscriber.Cursor = reader.Recovered == false && !wasLostAtStart ? TailCursor.Lost : reader.Cursor;
        return ended;
    }

    private static async ValueTask<EndReason?> CatchUpAsync(
        FeedCore feed, Subscriber subscriber, ConnectionWriter writer, FeedReader reader)
    {
        var services = feed.Services;
        var drainEnded = services.Shutdown.DrainEnded;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(subscriber.Aborted, drainEnded);
        var idPrefix = Encoding.ASCII.GetBytes($"{reader.Position.Epoch}-");
        var due = services.DueEnd(subscriber);
        try
        {
            if (due is null)
            {
                await foreach (var entries in reader.ReadStoredAsync(ending.Token))
                {
                    foreach (var entry in entries)
                    {
                        writer.WriteMessage(entry.Payload.Span, idPrefix, entry.Offset);
                    }
                    if (await writer.FlushAsync() is { } ended)
                    {
                        return ended;
                    }
                    due = services.DueEnd(subscriber);
                    if (due is not null)
                    {
                        break;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (subscriber.Aborted.IsCancellationRequested)
        {
            return EndReason.ClientDisconnected;
        }
        catch (OperationCanceledException) when (drainEnded.IsCancellationRequested)
        {
            due = services.Shutdown.Reason;
        }
        catch (FeedUnavailableException exception)
        {
            CometLog.FeedUnavailable(services.Logger, exception, feed.Name.ToString());
            due = EndReason.Error;
        }
        return due is null ? null : await writer.EndAsync(due);
    }
}
