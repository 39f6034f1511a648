using System.Text;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>
/// A host that stops while streams wait: for their client, for their source, for a store. The app's time stands still, so that nothing
/// but the stop ends them, however slow the machine is.
/// </summary>
public class ShutdownTests
{
    private static readonly string Large = new('~', 8_000_000); // more than the system keeps for a connection that is not read

    private readonly ManualTime _time = new();
    private readonly ScriptedStore _store;

    public ShutdownTests() => _store = new() { Time = _time };

    public static MatrixTheoryData<string, string> Waits => new(Enum.GetNames<Wire>(), ["/head", "/feed", "/history", "/sequence"]);

    [Theory, MemberData(nameof(Waits))]
    public async Task A_client_that_does_not_read_does_not_hold_the_host(string wire, string path)
    {
        await using var app = await StartAsync(wire: Enum.Parse<Wire>(wire));
        using var meter = new RecordedMeter(app);
        if (path == "/history")
        {
            await app.PublishAsync(Large, "so that the tail has no room for the large one");
        }
        using var client = app.CreateClient(receiveBuffer: 4096);
        using var stalled = await OpenAsync(client, path);
        if (path == "/feed")
        {
            await app.PublishAsync(Large);
        }
        await StallAsync(stalled);

        await app.StopWithoutErrorAsync();

        Assert.Contains("comet.end.reason=shutting-down", Assert.Single(meter.Of("comet.stream.duration")).Tags);
    }

    [Fact]
    public async Task A_client_that_does_not_read_and_should_have_ended_before_does_not_hold_the_host()
    {
        await using var app = await StartAsync(configuration: ("Comet:MaxAge", "00:00:01"));
        using var meter = new RecordedMeter(app);
        using var client = app.CreateClient(receiveBuffer: 4096);
        using var stalled = await OpenAsync(client, "/feed");
        await app.PublishAsync(Large);
        await StallAsync(stalled);
        _time.Advance(TimeSpan.FromSeconds(5)); // too old, and not yet too slow

        await app.StopWithoutErrorAsync();

        Assert.Contains("comet.end.reason=recycled", Assert.Single(meter.Of("comet.stream.duration")).Tags);
    }

    [Fact]
    public async Task A_source_that_never_comes_back_does_not_hold_the_host()
    {
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/stuck");
        await stream.NextAsync(CometMessageKind.Open);

        await app.StopWithoutErrorAsync();

        Assert.Equal("shutting-down", (await stream.NextAsync(CometMessageKind.End)).Reason);
    }

    [Fact]
    public async Task A_store_that_does_not_answer_before_the_first_byte_does_not_hold_the_host()
    {
        var reading = HangAtRead(0);
        await using var app = await StartAsync();
        var answering = app.GetAsync("/history?lastEventId=earliest");
        await reading.WithPatience();

        await app.StopWithoutErrorAsync();

        using var rejected = await answering;
        Assert.Equal(503, (int)rejected.StatusCode);
        Assert.Equal("The server is shutting down. Try again.", await rejected.Content.ReadAsStringAsync());
        Assert.False(rejected.Headers.Contains("Content-Security-Policy"));
    }

    [Fact]
    public async Task A_store_that_does_not_answer_while_a_client_catches_up_does_not_hold_the_host()
    {
        var reading = HangAtRead(1);
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/history?lastEventId=earliest");
        await stream.NextAsync(CometMessageKind.Open);
        await reading.WithPatience();

        await app.StopWithoutErrorAsync();

        var end = await stream.UntilAsync(message => message.Kind == CometMessageKind.End);
        Assert.Equal("shutting-down", end.Reason);
        Assert.NotNull(end.Retry);
    }

    [Theory]
    [InlineData("Direct")]
    [InlineData("Attached")]
    [InlineData("Portable")]
    public async Task Draining_cuts_a_client_that_does_not_read_when_its_turn_has_come(string wire)
    {
        await using var app = await StartAsync(TimeSpan.FromSeconds(10), Enum.Parse<Wire>(wire));
        using var meter = new RecordedMeter(app);
        using var client = app.CreateClient(receiveBuffer: 4096);
        var stalled = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => OpenAsync(client, i == 0 ? "/sequence" : "/feed")));
        await app.PublishAsync(Large);
        await Task.WhenAll(stalled.Select(StallAsync));

        var stopping = app.StopAsync();

        _time.Advance(TimeSpan.FromSeconds(9)); // each has a moment of its own in ten seconds
        await Eventually.HoldsAsync(() => meter.Of("comet.stream.duration").Count > 0, "a client is cut before the time is over");
        _time.Advance(TimeSpan.FromSeconds(1));
        await stopping.WithPatience();
        Assert.Equal(8, meter.Of("comet.stream.duration").Count);
        Assert.All(meter.Of("comet.stream.duration"), ended => Assert.Contains("comet.end.reason=draining", ended.Tags));
        Array.ForEach(stalled, response => response.Dispose());
    }

    private Task<TestApp> StartAsync(
        TimeSpan? drain = null, Wire wire = Wire.Direct, params (string Key, string Value)[] configuration) => TestApp.StartAsync(
        app =>
        {
            CometStreamOptions largeHead = new() { InitialChunk = Encoding.ASCII.GetBytes(Large) };
            app.MapGet("/head", (Feed<string> news) => CometResults.Feed(news, "parent.f", largeHead));
            app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            app.MapGet("/history", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            app.MapGet("/sequence", () => CometResults.String(new[] { Large }.ToAsyncEnumerable(), "parent.f"));
            app.MapGet("/stuck", () => CometResults.String(Stuck(), "parent.f"));
        },
        builder =>
        {
            builder.AllowStalling();
            builder.Configuration["Comet:Drain"] = (drain ?? TimeSpan.Zero).ToString();
            foreach (var (key, value) in configuration)
            {
                builder.Configuration[key] = value;
            }
            builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromHours(1)); // which would end them as well
            builder.Services.AddSingleton<TimeProvider>(_time).AddSingleton<IFeedStore>(_store);
            builder.Services.AddFeed<string>("news", feed => feed.RetainBytes = 2 * Large.Length);
        },
        wire);

    private static async Task<HttpResponseMessage> OpenAsync(HttpClient client, string path)
    {
        using var request = client.NewRequest(path == "/history" ? "/history?lastEventId=earliest" : path);
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WithPatience();
    }

    /// <summary>Reads until the large part has begun, and then nothing.</summary>
    private static async Task StallAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStreamAsync();
        var bytes = new byte[4096];
        while (!bytes.Contains((byte)'~'))
        {
            Assert.NotEqual(0, await body.ReadAsync(bytes).AsTask().WithPatience());
        }
    }

    /// <summary>Completes when the store is read for the time after so many; from then on no read comes back.</summary>
    private Task HangAtRead(int reads)
    {
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _store.With(1000);
        _store.BeforeRead = () =>
        {
            if (_store.Reads < reads)
            {
                return Task.CompletedTask;
            }
            reading.TrySetResult();
            return new TaskCompletionSource().Task;
        };
        return reading.Task;
    }

    private static async IAsyncEnumerable<string> Stuck()
    {
        await new TaskCompletionSource().Task;
        yield return "never";
    }
}
