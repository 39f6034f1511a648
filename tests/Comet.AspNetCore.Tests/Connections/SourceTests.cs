using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>What a stream does with its source: starts it, ends it, and survives it.</summary>
public class SourceTests
{
    private const string Secret = "password=hunter2";

    [Fact]
    public async Task Each_request_enumerates_the_source_anew()
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(Once("a", "b"), "parent.f")));

        for (var i = 0; i < 3; i++)
        {
            await using var stream = await app.OpenAsync("/");
            var messages = await stream.RestAsync();
            Assert.Equal(
                ["a", "b"],
                messages.Where(message => message.Kind == CometMessageKind.Message).Select(message => message.Value.GetString()));
            Assert.Equal("completed", messages[^1].Reason);
            Assert.Null(messages[^1].Retry);
        }
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_its_source()
    {
        var source = new Source<string>();
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(source.ReadAsync(), "parent.f")));
        var stream = await app.OpenAsync("/");
        source.Give("1");
        await stream.NextAsync(CometMessageKind.Open);
        await stream.NextStringAsync();
        Assert.False(source.Left.IsCompleted);

        await stream.DisposeAsync();

        await source.Left.WithPatience();
        await app.StopWithoutErrorAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_goes_away_ends_a_source_that_ignores_its_token(bool reset)
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(Deaf(), "parent.f")));
        var connection = await app.ConnectAsync("/");
        while (!(await connection.ReadChunkAsync())!.Contains("parent.f"))
        {
        }

        if (reset)
        {
            connection.Reset();
        }
        else
        {
            await connection.DisposeAsync();
        }

        await left.Task.WithPatience();
        await app.NoStreamIsOpenAsync();
        await app.StopWithoutErrorAsync();

        async IAsyncEnumerable<string> Deaf()
        {
            try
            {
                while (true)
                {
                    await Task.Delay(20, CancellationToken.None);
                    yield return "tick";
                }
            }
            finally
            {
                left.SetResult();
            }
        }
    }

    [Fact]
    public async Task A_source_that_never_comes_back_does_not_hold_the_request()
    {
        var back = new TaskCompletionSource();
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(Stuck(), "parent.f")));
        var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);

        await stream.DisposeAsync();

        await app.NoStreamIsOpenAsync();
        Assert.False(left.Task.IsCompleted);
        back.SetResult();
        await left.Task.WithPatience(); // and it is still disposed of when it does come back

        async IAsyncEnumerable<string> Stuck()
        {
            try
            {
                await back.Task;
                yield return "late";
            }
            finally
            {
                left.SetResult();
            }
        }
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_a_source_that_keeps_its_thread()
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(Working(), "parent.f")));
        var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);
        await stream.NextStringAsync();

        await stream.DisposeAsync();

        await left.Task.WithPatience();
        await app.StopWithoutErrorAsync();

        async IAsyncEnumerable<string> Working([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            yield return "1";
            await Task.Yield(); // so that the first leaves
            for (var i = 0; i < 3000 && !cancellationToken.IsCancellationRequested; i++)
            {
                Thread.Sleep(10);
            }
            if (cancellationToken.IsCancellationRequested)
            {
                left.SetResult();
            }
        }
    }

    [Fact]
    public async Task A_source_that_fails_when_it_is_cancelled_is_logged_and_its_client_is_told_the_end()
    {
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", () => CometResults.String(FailingToBeCancelled(), "parent.f")));
        await using var stream = await app.OpenAsync("/?wait=60");

        var messages = await stream.RestAsync();

        Assert.Equal("1", messages[1].Value.GetString());
        Assert.Equal("polled", messages[^1].Reason);
        await app.StopWithoutErrorAsync();
        var warning = Assert.Single(app.Log.Entries, entry => entry.EventId.Name == "SourceFailedLate");
        Assert.Contains(Secret, warning.Exception?.ToString());

        static async IAsyncEnumerable<string> FailingToBeCancelled([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            using var registration = cancellationToken.Register(Fail);
            yield return "1";
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
    }

    public static TheoryData<string> Failures => ["start", "first", "third", "encode"];

    [Theory, MemberData(nameof(Failures))]
    public async Task A_source_that_fails_is_logged_with_its_stream_and_ends_it_without_the_text_of_the_exception(string when)
    {
        await using var app = await TestApp.StartAsync(app =>
        {
            app.MapGet("/failing", (HttpContext context) =>
            {
                context.TraceIdentifier = "request-7";
                return CometResults.Json(when == "start" ? new FailingToStart() : Failing(when), "parent.f");
            });
        });
        await using var connection = await app.ConnectAsync("/failing");

        var body = await connection.ReadBodyAsync();

        Assert.Equal(when is "third" or "encode" ? 2 : 0, body.Split("parent.f(").Length - 1);
        Assert.Matches("""comet\("end",\{"reason":"error","retry":\d+\}\);</script>$""", body);
        Assert.DoesNotContain("hunter2", body);
        Assert.DoesNotContain("Exception", body);
        var error = Assert.Single(app.Log.Errors);
        Assert.Equal("SourceFailed", error.EventId.Name);
        Assert.Contains("/failing", error.Message);
        Assert.Contains("request-7", error.Message);
        Assert.Contains(Secret, error.Exception?.ToString());
    }

    [Fact]
    public async Task A_source_that_fails_while_it_is_left_is_logged()
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(FailingAtTheEnd(), "parent.f")));
        var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);
        await stream.NextStringAsync();

        await stream.DisposeAsync();

        await Eventually.HoldsAsync(() => app.Log.Entries.Any(entry => entry.EventId.Name == "SourceFailedLate"), "the failure is logged");
        await app.NoStreamIsOpenAsync();

        static async IAsyncEnumerable<string> FailingAtTheEnd([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            try
            {
                yield return "1";
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            finally
            {
                Fail();
            }
        }
    }

    [Fact]
    public async Task A_failing_message_does_not_harm_other_streams()
    {
        var source = new Source<string>();
        await using var app = await TestApp.StartAsync(app =>
        {
            app.MapGet("/good", () => CometResults.String(source.ReadAsync(), "parent.f"));
            app.MapGet("/bad", () => CometResults.Json(Failing("encode"), "parent.f"));
        });
        await using var good = await app.OpenAsync("/good");
        await good.NextAsync(CometMessageKind.Open);
        await using var bad = await app.OpenAsync("/bad");
        await bad.RestAsync();

        source.Give("still here");

        Assert.Equal("still here", await good.NextStringAsync());
    }

    [Fact]
    public async Task Without_its_services_a_stream_says_what_to_call()
    {
        var context = new DefaultHttpContext { RequestServices = new ServiceCollection().AddOptions().BuildServiceProvider() };

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(
            () => CometResults.String(Once("1"), "parent.f").ExecuteAsync(context));

        Assert.Contains("AddComet()", exception.Message);
    }

    [Fact]
    public async Task Serves_controllers_with_their_JSON_options_and_minimal_APIs_with_theirs()
    {
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapControllers();
                app.MapGet("/minimal", () => CometResults.Json(SourceController.Values(), "parent.f"));
            },
            builder =>
            {
                builder.Services.AddControllers().AddApplicationPart(typeof(SourceController).Assembly)
                    .AddJsonOptions(options => options.JsonSerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.KebabCaseUpper);
                builder.Services.ConfigureHttpJsonOptions(
                    options => options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower);
            });
        await using var mvc = await app.OpenAsync("/source-tests");
        await using var minimal = await app.OpenAsync("/minimal");

        Assert.Equal("""{"HEART-RATE":61}""", (await mvc.RestAsync())[1].Text);
        Assert.Equal("""{"heart_rate":61}""", (await minimal.RestAsync())[1].Text);
    }

    [Fact]
    public async Task An_expression_is_sent_as_it_is_and_one_that_would_leave_its_script_is_not()
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.Raw(Expressions(), "parent.draw")));
        await using var stream = await app.OpenAsync("/", CometFormat.ServerSentEvents); // there is no other format for code
        Assert.Equal("text/html", stream.Response.Content.Headers.ContentType?.MediaType);

        var messages = await stream.RestAsync();

        Assert.Equal(
            ["Math.max(1<2, 'é')", "{a: 1}"],
            messages.Where(message => message.Kind == CometMessageKind.Message).Select(message => message.Text));
        Assert.Equal("error", messages[^1].Reason);

        static async IAsyncEnumerable<ReadOnlyMemory<byte>> Expressions()
        {
            await Task.Yield();
            yield return "Math.max(1<2, 'é')"u8.ToArray();
            yield return "{a: 1}"u8.ToArray();
            yield return "'</ScRiPt>'"u8.ToArray();
            yield return "'never sent'"u8.ToArray();
        }
    }

    private static async IAsyncEnumerable<string> Once(params string[] values)
    {
        foreach (var value in values)
        {
            await Task.Yield();
            yield return value;
        }
    }

    private static async IAsyncEnumerable<Reading> Failing(string when)
    {
        await Task.Yield();
        if (when == "first")
        {
            Fail();
        }
        yield return new(1);
        yield return new(2);
        if (when == "encode")
        {
            yield return new(-1);
        }
        Fail();
    }

    private static void Fail() => throw new InvalidTimeZoneException(Secret);

    public sealed record Reading([property: JsonConverter(typeof(NoNegatives))] int HeartRate);

    private sealed class NoNegatives : JsonConverter<int>
    {
        public override int Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options)
        {
            if (value < 0)
            {
                Fail();
            }
            writer.WriteNumberValue(value);
        }
    }

    private sealed class FailingToStart : IAsyncEnumerable<Reading>
    {
        public IAsyncEnumerator<Reading> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
            throw new InvalidTimeZoneException(Secret);
    }
}
