using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Comet.AspNetCore;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Feeds;
using CometBench;
using Microsoft.AspNetCore.Http.HttpResults;

var builder = BenchHost.CreateBuilder(args);
if (!builder.Configuration.GetValue<bool>("Portable"))
{
    builder.WebHost.UseCometTransport();
}
builder.Services.AddComet(comet =>
{
    // Limits out of reach, not none: an app's streams take leases too.
    comet.MaxStreams = 1_000_000;
    comet.MaxStreamsPerAddress = 1_000_000;
});
if (builder.Configuration.GetValue<int?>("Lanes") is { } count)
{
    builder.Services.AddSingleton(provider => new Lanes(provider.GetRequiredService<ConnectionServices>(), count));
}
// Keeps all of a burst: what is measured there is publishing, not what happens to readers who fall behind.
builder.Services.AddFeed<string>("burst", feed => (feed.Retain, feed.RetainBytes) = (1_000_000, 1 << 30));
builder.Services.AddFeed<string>("bench");
builder.Services.AddFeed<string>("latest", feed => feed.WhenSlow = SlowClientPolicy.Latest);
builder.Services.AddKeyedFeeds<string>("rooms");

var app = builder.Build();
var feed = app.Services.GetRequiredKeyedService<Feed<string>>("bench");
if (builder.Configuration.GetValue<bool>("Sequences"))
{
    // What the naive peer writes by hand.
    var audience = new Audience();
    app.MapGet("/sub", () => CometResults.String(audience.ListenAsync(), "parent.cometMessage"));
    app.MapControls("/pub", (_, message) =>
    {
        audience.Publish(message);
        return ValueTask.CompletedTask;
    });
}
else
{
    app.MapGet("/sub", () => CometResults.Feed(feed, "parent.cometMessage"));
    app.MapControls("/pub", async (context, message) =>
        await feed.PublishAsync(message, context.RequestAborted));
}

// One feed per room, for the cost of many feeds against one.
app.MapGet("/rooms/{room}/sub", (string room, KeyedFeeds<string> rooms) => CometResults.Feed(rooms.Get(room), "parent.cometMessage"));
app.MapPost("/rooms/{room}/pub", async (string room, HttpRequest request, KeyedFeeds<string> rooms, CancellationToken cancellation) =>
{
    using var reader = new StreamReader(request.Body);
    await rooms.Get(room).PublishAsync(await reader.ReadToEndAsync(cancellation), cancellation);
    return TypedResults.NoContent();
});

// Several rooms on one connection, and messages to all of them by turns, evenly apart or in one go.
app.MapGet("/rooms/sub", (KeyedFeeds<string> rooms) => CometResults.Feeds([rooms.Where(static _ => true)], "parent.cometMessage"));
app.MapPost("/rooms/pub", (KeyedFeeds<string> rooms, int count, int rate, int atOnce, int seconds, int size) =>
    PublishAsync([.. Enumerable.Range(0, count).Select(room => rooms.Get($"{room}"))], rate, atOnce, seconds, size));

// Messages that are old before a slow line has brought them.
app.MapGet("/latest/sub", ([FromKeyedServices("latest")] Feed<string> feed) => CometResults.Feed(feed, "parent.cometMessage"));
app.MapPost("/latest/pub", ([FromKeyedServices("latest")] Feed<string> feed, int rate, int seconds, int size) =>
    PublishAsync([feed], rate, atOnce: 1, seconds, size));

// Publishing from threads of the server's own, without requests in between.
app.MapGet("/burst/sub", ([FromKeyedServices("burst")] Feed<string> feed) => CometResults.Feed(feed, "parent.cometMessage"));
app.MapPost("/burst/pub", async ([FromKeyedServices("burst")] Feed<string> feed, int threads, int messages, int size) =>
{
    await Task.WhenAll(Enumerable.Range(0, threads).Select(
        thread => Task.Factory.StartNew(() => Publish(thread), TaskCreationOptions.LongRunning)));
    return TypedResults.NoContent();

    void Publish(int thread)
    {
        for (var number = 1; number <= messages / threads; number++)
        {
            // The memory store answers at once, so nothing waits here.
            feed.PublishAsync(Marker.Text(new Marker(Marker.Now, thread, number), size)).AsTask().GetAwaiter().GetResult();
        }
    }
});

// A sequence of its own for each connection.
app.MapGet("/clock", (CancellationToken cancellation) => CometResults.String(TicksAsync(cancellation), "parent.clockChanged"));

// How long a message took to the last connection, once all lanes have written it.
var passes = new ConcurrentBag<double>();
using var meters = new MeterListener
{
    InstrumentPublished = (instrument, listener) =>
    {
        if (app.Configuration.GetValue<bool>("Passes") && instrument.Name == "comet.message.delivery.duration")
        {
            listener.EnableMeasurementEvents(instrument);
        }
    },
};
meters.SetMeasurementEventCallback<double>((_, seconds, _, _) => passes.Add(seconds));
meters.Start();
app.MapGet("/passes", async (int lanes, CancellationToken cancellation) =>
{
    while (passes.Count < lanes)
    {
        await Task.Delay(5, cancellation);
    }
    var longest = passes.DefaultIfEmpty().Max() * 1000;
    passes.Clear();
    return longest;
});

// For a client that watches how streams end.
app.MapGet("/state", (OpenStreams streams) => TypedResults.Ok(new { Environment.ProcessId, Streams = streams.Count }));
app.RunUntilParentEnds();

static async Task<NoContent> PublishAsync(Feed<string>[] feeds, int rate, int atOnce, int seconds, int size)
{
    var start = Marker.Now;
    for (var sent = 0; sent < rate * seconds;)
    {
        // A wait is a millisecond long or more, so what has become due meanwhile follows.
        var turns = Math.Min((long)(Stopwatch.GetElapsedTime(start).TotalSeconds * rate / atOnce) + 1, rate * seconds / atOnce);
        for (; sent < turns * atOnce; sent++)
        {
            var at = sent % feeds.Length;
            await feeds[at].PublishAsync(Marker.Text(new Marker(Marker.Now, at, (sent / feeds.Length) + 1), size));
        }
        await Task.Delay(1);
    }
    return TypedResults.NoContent();
}

static async IAsyncEnumerable<string> TicksAsync([EnumeratorCancellation] CancellationToken cancellation)
{
    using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
    while (await timer.WaitForNextTickAsync(cancellation))
    {
        yield return DateTime.Now.ToString("HH mm ss", CultureInfo.InvariantCulture);
    }
}
