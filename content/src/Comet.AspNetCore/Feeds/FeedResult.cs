using System.Text;
using System.Text.Json;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Streams;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Feeds;

/// <summary>One connection's view of a feed.</summary>
internal sealed class FeedResult(IFeedSource source, byte[] callback, CometOptions? options) : CometResult
{
    // What this method still needs while the stream is open is all that is kept for it: the rest is in methods that have returned by then.
    private protected override async Task ExecuteAsync(HttpContext context, JsonSerializerOptions json)
    {
        var feed = source.Use();
        try
        {
            if (await StartAsync(context, feed) is not { } start)
            {
                return;
            }
            using var permit = start.Opening.Permit;
            var lifetime = Service<StreamLifetime>(context);
            var metrics = Service<CometMetrics>(context);
            var subscriber = new Subscriber(start.Opening, lifetime.Clock.Now, feed.FanOut);
            using var activity = CometActivity.Stream(feed.Family, subscriber.Format.Name);
            var reason = EndReason.Error;
            metrics.StreamOpened(subscriber.Format, feed.Family);
            try
            {
                var ended = await BeginAsync(context, feed, subscriber, start);
                if (ended == EndReason.None)
                {
                    feed.FanOut.Join(subscriber);
                    using var gone = context.RequestAborted.UnsafeRegister(static state => ((Subscriber)state!).Leave(), subscriber);
                    ended = await subscriber.Ended;
                }
                reason = ended;
            }
            finally
            {
                metrics.StreamEnded(subscriber.Format, feed.Family, reason, subscriber.AgeAt(lifetime.Clock.Now));
            }
            await subscriber.CompleteAsync();
        }
        finally
        {
            feed.Release();
        }
    }

    // Null: the request was answered otherwise.
    private async ValueTask<Start?> StartAsync(HttpContext context, FeedCore feed)
    {
        var request = new StreamRequest(callback, options, AuthorizationPolicy: feed.Options.AuthorizationPolicy);
        if (await Service<StreamGate>(context).OpenAsync(context, request) is not { } opening)
        {
            return null;
        }
        try
        {
            return new Start(opening, await FeedReader.StartAsync(feed, opening.Start, context.RequestAborted));
        }
        catch (FeedUnavailableException exception)
        {
            opening.Permit.Dispose();
            CometLog.FeedUnavailable(Service<ILogger<CometResult>>(context), exception, feed.Name);
            context.Response.Clear();
            await Refusal.StoreAway(Service<StreamLifetime>(context).Retry()).WriteAsync(context);
            return null;
        }
        catch
        {
            opening.Permit.Dispose();
            throw;
        }
    }

    // Sends the head, says where the stream starts, and catches up with the tail. Any reason but none: it has ended on the way.
    private static async ValueTask<EndReason> BeginAsync(HttpContext context, FeedCore feed, Subscriber subscriber, Start start)
    {
        var (opening, reader) = start;
        var lifetime = Service<StreamLifetime>(context);
        using var block = new Block();
        var format = subscriber.Format;
        format.WriteHead(block, opening.Padding, opening.InitialChunk);
        format.WriteControl(block, new ControlMessage("open")
        {
            Id = reader.Position.ToString(),
            Recovered = reader.Recovered,
            HeartbeatMilliseconds = (long)opening.Heartbeat.TotalMilliseconds,
        });
        var epoch = reader.Position.Epoch;
        byte[]? idPrefix = null;
        var lostAtStart = reader.Recovered == false;
        while (true)
        {
            var reason = await lifetime.WriteAsync(subscriber, block);
            if (reason != EndReason.None)
            {
                return reason;
            }
            block.Clear();
            reason = lifetime.DueEnd(subscriber);
            try
            {
                if (reason == EndReason.None && await reader.NextAsync(context.RequestAborted) is { } entries)
                {
                    idPrefix ??= Encoding.ASCII.GetBytes($"{epoch}-");
                    foreach (var entry in entries)
                    {
                        format.WriteMessage(block, entry.Payload.Span, idPrefix, entry.Offset);
                    }
                    Service<CometMetrics>(context).Delivered(format, feed.Family, entries.Count, block.Length);
                    continue;
                }
            }
            catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
            {
                return EndReason.ClientGone;
            }
            catch (FeedUnavailableException exception)
            {
                CometLog.FeedUnavailable(Service<ILogger<CometResult>>(context), exception, feed.Name);
                reason = EndReason.Error;
            }
            if (reason != EndReason.None)
            {
                format.WriteControl(block, ControlMessage.End(reason, lifetime.Retry()));
                var cut = await lifetime.WriteAsync(subscriber, block);
                return cut == EndReason.None ? reason : cut;
            }
            // When retention has overtaken it on the way, the fan-out tells it, as after every reset.
            subscriber.Cursor = reader.Recovered == false && !lostAtStart ? TailCursor.Lost : reader.Cursor;
            return EndReason.None;
        }
    }

    private sealed record Start(StreamOpening Opening, FeedReader Reader);
}
