using System.Globalization;
using System.Runtime.CompilerServices;
using Comet.AspNetCore;
using CometBench;

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
// Keeps all of a burst: what is measured there is publishing, not what happens to readers who fall behind.
builder.Services.AddFeed<string>("burst", feed => (feed.Retain, feed.RetainBytes) = (1_000_000, 1 << 30));
builder.Services.AddFeed<string>("bench");
builder.Services.AddKeyedFeeds<string>("rooms");

var app = builder.Build();
var feed = app.Services.GetRequiredKeyedService<Feed<string>>("bench");
app.MapGet("/sub", () => CometResults.Feed(feed, "parent.cometMessage"));
app.MapControls("/pub", async (context, message) =>
    await feed.PublishAsync(message, context.RequestAborted));

// One feed per room, for the cost of many feeds against one.
app.MapGet("/rooms/{room}/sub", (string room, KeyedFeeds<string> rooms) => CometResults.Feed(rooms.Get(room), "parent.cometMessage"));
app.MapPost("/rooms/{room}/pub", async (string room, HttpRequest request, KeyedFeeds<string> rooms, CancellationToken cancellation) =>
{
    using var reader = new StreamReader(request.Body);
    await rooms.Get(room).PublishAsync(await reader.ReadToEndAsync(cancellation), cancellation);
    return TypedResults.NoContent();
});

// Publishing from threads of the server's own, without requests in between.
app.MapGet("/burst/sub", ([FromKeyedServices("burst")] Feed<string> feed) => CometResults.Feed(feed, "parent.cometMessage"));
app.MapPost("/burst/pub", async ([FromKeyedServices("burst")] Feed<string> feed, int threads, int messages, int size) =>
{
    await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Factory.StartNew(() => Publish(thread), TaskCreationOptions.LongRunning)));
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

// For a client that watches how streams end.
app.MapGet("/state", (OpenStreams streams) => TypedResults.Ok(new { Environment.ProcessId, Streams = streams.Count }));
app.RunUntilParentEnds();

static async IAsyncEnumerable<string> TicksAsync([EnumeratorCancellation] CancellationToken cancellation)
{
    using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
    while (await timer.WaitForNextTickAsync(cancellation))
    {
        yield return DateTime.Now.ToString("HH mm ss", CultureInfo.InvariantCulture);
    }
}
