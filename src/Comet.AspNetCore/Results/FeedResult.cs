using System.Text.Json;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Feeds;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Results;

/// <summary>The stream of a feed, or of several, for any number of requests.</summary>
/// <param name="choices">What a request may choose from; one feed if it cannot choose.</param>
/// <param name="areNamed">Whether it can, so that each message says which feed it is from.</param>
/// <param name="callback">The function to call.</param>
/// <param name="options">What the stream does differently.</param>
internal sealed class FeedResult(FeedChoice[] choices, bool areNamed, string callback, CometStreamOptions? options) : CometResult
{
    // Of the feeds of a request, whose first pages are read at a time.
    private const int AtOnce = 8;

    // How long a stream waits for a log of one of several feeds to open, and how long it does without it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Absence = TimeSpan.FromSeconds(15);

    private readonly string _label = string.Join('+', choices.Select(static choice => choice.Family).Distinct());

    // Thousands of streams wait at the same time, so an open one keeps nothing of this: its subscriber is all there is.
    private protected override Task ExecuteAsync(HttpContext context, Func<IServiceProvider, JsonSerializerOptions> jsonOf) =>
        StartAsync(context).Unwrap();

    // Returns a task that completes when the response has ended.
    private async Task<Task> StartAsync(HttpContext context)
    {
        var request = new ConnectionRequest(callback, options, MayDetach: true);
        var selection = new FeedSelection(context);
        if (await AcceptAsync(context, request, selection) is not { } settings)
        {
            return Task.CompletedTask;
        }
        var services = selection.Feeds[0].Handle.Services;
        var now = services.Clock.Now; // before the store is read, which takes nothing of a sign-in's time
        FeedSet? feeds = null;
        FeedReader[]? readers = null;
        Subscriber? subscriber = null;
        try
        {
            feeds = Acquire(selection); // a request that is rejected begins no feed
            if (await LeaveOutAsync(selection, feeds, settings) is { } rest)
            {
                (var all, feeds) = (feeds, rest);
                all.Release();
                settings.MaxAgeWithoutFeed = Absence;
            }
            readers = await FindStartAsync(context, feeds, selection, settings);
            if (readers is null)
            {
                return Task.CompletedTask;
            }
            if (Array.TrueForAll(readers, static reader => reader.HasHadEnd))
            {
                await RejectAsync(context, settings, Rejection.Over);
                return Task.CompletedTask;
            }
            var activity = CometActivity.Stream(feeds.Label, settings.Format.Name); // whose listeners are the app's, and may throw
            subscriber = new Subscriber(settings, now, feeds) { Activity = activity };
        }
        finally
        {
            if (subscriber is null)
            {
                feeds?.Release();
                settings.Lease.Dispose();
                await settings.Writer.EndReadingAsync(); // before the app answers what has failed
            }
        }
        try
        {
            services.CountOpened(subscriber, feeds.Label);
            RequestTelemetry.SetLongRunning(context);
            if (selection.Feeds.Any(static feed => feed.Handle.Options.WhenSlow == SlowClientPolicy.Latest))
            {
                settings.Writer.KeepLittleUnsent();
            }
            var beginning = new StreamBeginning(subscriber, settings, readers, selection);
            if (await beginning.RunAsync() is { } ended)
            {
                subscriber.EndAtOnce(ended);
            }
            else
            {
                return subscriber.Follow(feeds.Lanes.Choose(feeds), settings.Writer);
            }
        }
        catch (Exception exception)
        {
            subscriber.EndAtOnce(EndReason.Error, exception);
        }
        return subscriber.Completion;
    }

    // The place comes first: a client that has too many streams costs no reading of a form, and no question of who may read.
    private async ValueTask<ConnectionSettings?> AcceptAsync(HttpContext context, ConnectionRequest request, FeedSelection selection)
    {
        var acceptor = context.RequestServices.GetRequiredService<ConnectionAcceptor>();
        ConnectionLease? lease = null;
        try
        {
            (request, var rejection) = await ConnectionAcceptor.InspectAsync(context, request);
            rejection ??= acceptor.TryAcquire(context, out lease);
            if (rejection is { Status: StatusCodes.Status429TooManyRequests } && await selection.MayFindUserAsync(choices))
            {
                rejection = null; // this address, or user, has no place, but another user may have one
            }
            if ((rejection ?? await selection.ReadAsync(choices, areNamed)) is not { } refused)
            {
                return await acceptor.AcceptAsync(context, request, lease);
            }
            lease?.Dispose(); // before the client learns that it has none, and may come again
            await refused.WriteAsync(context);
            return null;
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            lease?.Dispose(); // the client went away while a form was read, or somebody was asked
            return null;
        }
        catch
        {
            lease?.Dispose();
            throw;
        }
    }

    private FeedSet Acquire(FeedSelection selection)
    {
        var feeds = new List<FeedCore>(selection.Feeds.Count);
        try
        {
            foreach (var selected in selection.Feeds)
            {
                feeds.Add(selected.Handle.Acquire());
            }
            return new FeedSet([.. feeds], _label, areNamed);
        }
        catch
        {
            feeds.ForEach(static feed => feed.Release());
            throw;
        }
    }

    // One feed whose store is away, or slow, holds up no other. Null: all are there, or none is, which the request is told.
    private async ValueTask<FeedSet?> LeaveOutAsync(FeedSelection selection, FeedSet feeds, ConnectionSettings settings)
    {
        if (selection.Feeds.Count == 1 || !feeds.IsAnyStoreOutside || NeedsAll(selection, settings))
        {
            return null;
        }
        var failures = await Task.WhenAll(feeds.Feeds.ToArray().Select(feed => TryOpenAsync(feed, settings.Writer.Aborted)));
        if (settings.Writer.Aborted.IsCancellationRequested ||
            !failures.Contains(null) ||
            Array.Find(failures, static failure => failure is not null) is not { } first)
        {
            return null;
        }
        for (var i = failures.Length - 1; i >= 0; i--)
        {
            if (failures[i] is not null)
            {
                selection.LeaveOut(i);
            }
        }
        var families = selection.Unavailable.Select(static feed => feed.Family).Distinct();
        CometLog.FeedUnavailable(feeds.Services.Logger, first, string.Join('+', families));
        return Acquire(selection);
    }

    // A position of the whole stream would lose that of a feed which is left out.
    private static bool NeedsAll(FeedSelection selection, ConnectionSettings settings) =>
        settings.Format.HasStreamPositions &&
        (settings.Start is not null || settings.Past != default || selection.Feeds.Any(static feed => feed.After is not null));

    // Why the log is not open; null: it is.
    private static async Task<Exception?> TryOpenAsync(FeedCore feed, CancellationToken aborted)
    {
        try
        {
            await feed.OpenAsync(aborted).AsTask().WaitAsync(Patience, feed.Services.Clock.Time, aborted);
            return null;
        }
        catch (Exception exception) when (exception is FeedUnavailableException or TimeoutException or OperationCanceledException)
        {
            return exception;
        }
    }

    // Null: the request was answered otherwise.
    private static async ValueTask<FeedReader[]?> FindStartAsync(
        HttpContext context, FeedSet feeds, FeedSelection selection, ConnectionSettings settings)
    {
        var services = feeds.Services;
        var (aborted, drainEnded) = (settings.Writer.Aborted, services.Shutdown.DrainEnded);
        Rejection rejection;
        try
        {
            using var ending = feeds.IsAnyStoreOutside ? CancellationTokenSource.CreateLinkedTokenSource(aborted, drainEnded) : null;
            return await StartReadersAsync(feeds, selection, settings, ending?.Token ?? default);
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
            CometLog.FeedUnavailable(services.Logger, exception, feeds.Label);
            rejection = Rejection.StoreUnavailable(services.ReconnectDelay.Next());
        }
        await RejectAsync(context, settings, rejection);
        return null;
    }

    private static async ValueTask RejectAsync(HttpContext context, ConnectionSettings settings, Rejection rejection)
    {
        settings.Lease.Dispose(); // before the client learns that it has none, and may come again
        await settings.Writer.EndReadingAsync();
        context.Response.Clear();
        await rejection.WriteAsync(context);
    }

    private static async ValueTask<FeedReader[]> StartReadersAsync(
        FeedSet feeds, FeedSelection selection, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        var readers = new FeedReader[feeds.Feeds.Length];
        if (readers.Length == 1)
        {
            readers[0] = await StartReaderAsync(feeds.Feeds[0], selection.Feeds[0].After);
            return readers;
        }
        var starts = new List<Task>(AtOnce);
        for (var i = 0; i < readers.Length; i++)
        {
            starts.Add(StartAtAsync(i));
            if (starts.Count == AtOnce || i == readers.Length - 1)
            {
                await Task.WhenAll(starts);
                starts.Clear();
            }
        }
        return readers;

        async Task StartAtAsync(int i)
        {
            readers[i] = await StartReaderAsync(feeds.Feeds[i], selection.Feeds[i].After);
            readers[i].DropPage(); // until it is its turn, the history keeps it, within a bound for all
        }

        ValueTask<FeedReader> StartReaderAsync(FeedCore feed, FeedPosition? after) =>
            settings.Start is { } position && (after is null || !settings.IsStartOfUrl)
                ? FeedReader.StartAsync(feed, position, after, cancellationToken)
            : FeedReader.StartAsync(feed, after is null ? settings.Past : after, cancellationToken);
    }
}
