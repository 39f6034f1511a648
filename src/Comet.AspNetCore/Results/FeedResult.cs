using System.Text;
using System.Text.Json;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Results;

/// <summary>One connection's view of a feed.</summary>
internal sealed class FeedResult(IFeedHandle handle, string callback, CometStreamOptions? options) : CometResult
{
    // An open stream keeps nothing of this, as thousands wait at the same time: its subscriber is all there is.
    private protected override Task ExecuteAsync(HttpContext context, Func<IServiceProvider, JsonSerializerOptions> jsonOf)
    {
        var opening = OpenAsync(context);
        return opening.IsCompletedSuccessfully ? opening.Result : AwaitAsync(opening);

        static async Task AwaitAsync(ValueTask<Task> opening) => await await opening;
    }

    // Gives what completes when the response has ended.
    private async ValueTask<Task> OpenAsync(HttpContext context)
    {
        var feed = handle.Acquire();
        (ConnectionSettings Opening, FeedReader Reader)? start;
        try
        {
            start = await StartAsync(context, feed);
        }
        catch
        {
            feed.Release();
            throw;
        }
        if (start is not var (opening, reader))
        {
            feed.Release();
            return Task.CompletedTask;
        }
        var subscriber = new Subscriber(opening, feed.Streams.Lifetime.Clock.Now, feed.FanOut)
        {
            Activity = CometActivity.Stream(feed.Family, opening.Format.Name),
        };
        feed.Streams.Metrics.StreamOpened(opening.Format, feed.Family);
        try
        {
            var ended = await BeginAsync(feed, subscriber, opening, reader);
            if (ended == EndReason.None)
            {
                subscriber.Follow();
            }
            else
            {
                subscriber.EndAtOnce(ended);
            }
        }
        catch (Exception exception)
        {
            subscriber.EndAtOnce(EndReason.Error, exception);
        }
        return subscriber.Completion;
    }

    // Null: the request was answered otherwise.
    private async ValueTask<(ConnectionSettings, FeedReader)?> StartAsync(HttpContext context, FeedCore feed)
    {
        var streams = feed.Streams;
        var request = new ConnectionRequest(callback, options, AuthorizationPolicy: feed.Options.AuthorizationPolicy);
        if (await streams.Gate.OpenAsync(context, request) is not { } opening)
        {
            return null;
        }
        try
        {
            using var ending = feed.IsStoreFar ? CancellationTokenSource.CreateLinkedTokenSource(opening.ResponseWriter.Aborted, streams.Lifetime.Cut) : null;
            return (opening, await FeedReader.StartAsync(feed, opening.Start, ending?.Token ?? default));
        }
        catch (OperationCanceledException) when (opening.ResponseWriter.Aborted.IsCancellationRequested)
        {
            opening.Permit.Dispose();
            return null;
        }
        catch (OperationCanceledException) when (streams.Lifetime.Cut.IsCancellationRequested)
        {
            await RefuseAsync(context, opening, Rejection.Stopping(streams.Lifetime.Retry()));
            return null;
        }
        catch (FeedUnavailableException exception)
        {
            CometLog.FeedUnavailable(streams.Logger, exception, feed.Name);
            await RefuseAsync(context, opening, Rejection.StoreAway(streams.Lifetime.Retry()));
            return null;
        }
        catch
        {
            opening.Permit.Dispose();
            throw;
        }
    }

    private static Task RefuseAsync(HttpContext context, ConnectionSettings opening, Rejection refusal)
    {
        opening.Permit.Dispose();
        context.Response.Clear();
        return refusal.WriteAsync(context);
    }

    // Sends the head, says where the stream starts, and catches up with the tail. Any reason but none: it has ended on the way.
    private static async ValueTask<EndReason> BeginAsync(FeedCore feed, Subscriber subscriber, ConnectionSettings opening, FeedReader reader)
    {
        using var block = new FrameBuffer();
        subscriber.Format.WriteHead(block, opening.Padding, opening.InitialChunk);
        subscriber.Format.WriteControl(block, new ControlMessage("open")
        {
            Id = reader.Position.ToString(),
            Recovered = reader.Recovered,
            HeartbeatMilliseconds = (long)opening.Heartbeat.TotalMilliseconds,
        });
        var wasLostAtStart = reader.Recovered == false;
        var ended = await WriteAsync(feed, subscriber, block, messages: 0);
        if (ended == EndReason.None && reader.HasStored)
        {
            ended = await CatchUpAsync(feed, subscriber, reader, block);
        }
        // When retention has overtaken it on the way, the fan-out tells it, as after every reset.
        subscriber.Cursor = reader.Recovered == false && !wasLostAtStart ? TailCursor.Lost : reader.Cursor;
        return ended;
    }

    private static async ValueTask<EndReason> CatchUpAsync(FeedCore feed, Subscriber subscriber, FeedReader reader, FrameBuffer block)
    {
        var lifetime = feed.Streams.Lifetime;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(subscriber.Aborted, lifetime.Cut);
        var idPrefix = Encoding.ASCII.GetBytes($"{reader.Position.Epoch}-");
        while (true)
        {
            var due = lifetime.DueEnd(subscriber);
            try
            {
                if (due == EndReason.None)
                {
                    if (await reader.NextAsync(ending.Token) is not { } entries)
                    {
                        return EndReason.None;
                    }
                    foreach (var entry in entries)
                    {
                        subscriber.Format.WriteMessage(block, entry.Payload.Span, idPrefix, entry.Offset);
                    }
                    if (await WriteAsync(feed, subscriber, block, entries.Count) is not EndReason.None and var cut)
                    {
                        return cut;
                    }
                    continue;
                }
            }
            catch (OperationCanceledException) when (subscriber.Aborted.IsCancellationRequested)
            {
                return EndReason.ClientDisconnected;
            }
            catch (OperationCanceledException) when (lifetime.Cut.IsCancellationRequested)
            {
                due = lifetime.StopReason;
            }
            catch (FeedUnavailableException exception)
            {
                CometLog.FeedUnavailable(feed.Streams.Logger, exception, feed.Name);
                due = EndReason.Error;
            }
            subscriber.Format.WriteControl(block, ControlMessage.End(due, lifetime.Retry()));
            var ended = await WriteAsync(feed, subscriber, block, messages: 0);
            return ended == EndReason.None ? due : ended;
        }
    }

    private static ValueTask<EndReason> WriteAsync(FeedCore feed, Subscriber subscriber, FrameBuffer block, int messages)
    {
        feed.Streams.Metrics.Delivered(subscriber.Format, feed.Family, messages, block.Length);
        var write = feed.Streams.Lifetime.WriteAsync(subscriber, block);
        block.Clear();
        return write;
    }
}
