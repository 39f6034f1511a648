using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net.Sockets;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>A feed's stream over HTTP/1.1 without TLS leaves the web server: the request ends, the connection goes on.</summary>
public class DetachedStreamTests
{
    private static readonly string[] Ndjson = ["Accept: application/x-ndjson"];

    public DetachedStreamTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Streams leave the server on Linux only.");

    [Theory]
    [InlineData("/")]
    [InlineData("/several")]
    public async Task The_request_ends_at_once_and_the_stream_goes_on(string path)
    {
        var ended = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await StartAsync(Wire.Direct, request => ended.TrySetResult(request.RequestAborted.IsCancellationRequested));
        await using var stream = await app.OpenAsync(path, CometFormat.Ndjson);
        await stream.NextAsync(CometMessageKind.Open);

        Assert.False(await ended.Task.WithPatience(), "The request was aborted.");
        Assert.True(stream.Response.Headers.ConnectionClose);
        await app.PublishAsync("1");
        Assert.Equal("1", await stream.NextStringAsync());
        Assert.Equal(1, app.OpenStreams);
    }

    [Theory]
    [InlineData("Direct", "/sequence")] // its source may use what is the request's
    [InlineData("Attached", "/")]
    [InlineData("Portable", "/")]
    [InlineData("Http10", "/")]
    [InlineData("Tls", "/")]
    [InlineData("Http2", "/")]
    public async Task Other_streams_stay(string wire, string path)
    {
        var hasEnded = false;
        await using var app = await StartAsync(Enum.Parse<Wire>(wire), _ => hasEnded = true);
        await using var stream = await app.OpenAsync(path, CometFormat.Ndjson);
        await stream.NextAsync(CometMessageKind.Open);

        await app.PublishAsync("1");
        app.Services.GetRequiredService<Source<string>>().Give("1");

        Assert.Equal("1", await stream.NextStringAsync());
        Assert.False(hasEnded);
    }

    [Fact]
    public async Task Nothing_of_the_request_is_kept()
    {
        WeakReference? request = null;
        await using var app = await NewsApp.StartAsync(configure: builder =>
        {
            builder.Services.AddTransient<IStartupFilter>(_ => new Around((context, next) =>
            {
                request = new WeakReference(context.RequestServices);
                return next(context);
            }));
        });
        await using var stream = await app.OpenAsync("/", CometFormat.Ndjson);
        await stream.NextAsync(CometMessageKind.Open);

        await Eventually.HoldsAsync(
            () =>
            {
                GC.Collect();
                return request is { IsAlive: false };
            },
            "the services of the request are collected");

        await app.PublishAsync("1");
        Assert.Equal("1", await stream.NextStringAsync());
    }

    [Fact]
    public async Task Many_that_come_at_once_all_get_what_is_published_and_a_proper_end()
    {
        const int Clients = 500;
        await using var app = await NewsApp.StartAsync();
        var streams = await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => RawConnection.OpenAsync(app.Url, "/", Ndjson)));
        await Task.WhenAll(streams.Select(stream => stream.ReadChunkAsync()));

        await app.PublishAsync("1", "2");
        await app.StopAsync();

        foreach (var stream in streams)
        {
            var body = await stream.ReadBodyAsync(); // up to the last chunk
            Assert.Contains("shutting-down", body, StringComparison.Ordinal);
            Assert.Contains("\"1\"", body, StringComparison.Ordinal);
            Assert.Contains("\"2\"", body, StringComparison.Ordinal);
            await stream.IsClosedAsync();
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task One_that_has_just_come_gets_what_was_published_before_the_host_stops()
    {
        var joining = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await NewsApp.StartAsync(
            configure: builder => builder.Services.AddTransient<IStartupFilter>(_ => new Around((context, next) =>
                next(context).ContinueWith(_ => joining.Task, TaskScheduler.Default).Unwrap()))); // a stream joins where its request ends
        await using var stream = await app.OpenAsync("/", CometFormat.Ndjson);
        await stream.NextAsync(CometMessageKind.Open);

        await app.PublishAsync("1", "2");
        var stopping = app.StopAsync();
        var shutdown = app.Services.GetRequiredService<ConnectionShutdown>();
        await Eventually.HoldsAsync(() => shutdown.IsStopping, "the host stops");
        joining.SetResult();

        Assert.Equal("1", await stream.NextStringAsync());
        Assert.Equal("2", await stream.NextStringAsync());
        Assert.Equal("shutting-down", Assert.Single(await stream.RestAsync()).Reason);
        await stopping;
    }

    [Fact]
    public async Task A_client_that_ends_its_side_has_left()
    {
        await using var app = await NewsApp.StartAsync();
        await using var stream = await RawConnection.OpenAsync(app.Url, "/", Ndjson);
        await stream.ReadChunkAsync();

        stream.EndSending();

        await app.NoStreamIsOpenAsync();
    }

    [Fact]
    public async Task A_listener_that_throws_as_a_stream_ends_is_logged()
    {
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "comet.stream.duration")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            if (tags.ToArray().Any(static tag => Equals(tag.Value, "logged")))
            {
                throw new InvalidTimeZoneException("The listener fails.");
            }
        });
        listener.Start();
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", (Feed<string> feed) => CometResults.Feed(feed, "parent.f")),
            builder => builder.Services.AddFeed<string>("logged"));
        await using (var stream = await app.OpenAsync("/", CometFormat.Ndjson))
        {
            await stream.NextAsync(CometMessageKind.Open);
        }

        await app.NoStreamIsOpenAsync();
        await Eventually.HoldsAsync(() => app.Log.Errors.Any(), "the failure is logged");
        Assert.IsType<InvalidTimeZoneException>(Assert.Single(app.Log.Errors).Exception);
    }

    [Fact]
    public async Task The_request_has_an_activity_and_the_stream_its_own()
    {
        var stopped = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name is "Comet.AspNetCore" or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                lock (stopped)
                {
                    stopped.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        ActivitySpanId request = default;
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", (Feed<string> feed) =>
            {
                request = Activity.Current!.SpanId;
                return CometResults.Feed(feed, "parent.f");
            }),
            builder => builder.Services.AddFeed<string>("traced"));
        await using (var stream = await app.OpenAsync("/", CometFormat.Ndjson))
        {
            await stream.NextAsync(CometMessageKind.Open);
            await Eventually.HoldsAsync(() => Stopped().Any(activity => activity.SpanId == request), "the request has ended");
            Assert.DoesNotContain(Stopped(), static activity => activity.OperationName == "stream traced");
        }
        await Eventually.HoldsAsync(
            () => Stopped().Any(static activity => activity.OperationName == "stream traced"), "the stream has ended");
        Assert.Equal(request, Stopped().Single(static activity => activity.OperationName == "stream traced").ParentSpanId);

        Activity[] Stopped()
        {
            lock (stopped)
            {
                return [.. stopped];
            }
        }
    }

    private static Task<TestApp> StartAsync(Wire wire, Action<HttpContext> requestEnded)
    {
        var source = new Source<string>();
        return TestApp.StartAsync(
            app =>
            {
                app.Use(async (context, next) =>
                {
                    await next(context);
                    requestEnded(context);
                });
                app.MapGet("/", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
                app.MapGet("/several", (Feed<string> news) => CometResults.Feeds([news], "parent.f"));
                app.MapGet("/sequence", () => CometResults.String(source.ReadAsync(), "parent.f"));
            },
            builder => builder.Services.AddSingleton(source).AddFeed<string>("news"),
            wire);
    }

    private sealed class Around(Func<HttpContext, RequestDelegate, Task> run) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(run);
            next(app);
        };
    }
}
