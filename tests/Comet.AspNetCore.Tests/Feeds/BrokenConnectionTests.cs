using System.IO.Pipelines;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>A connection whose way out fails otherwise than by the client's leaving, such as a faulty middleware around the body.</summary>
public class BrokenConnectionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_ends_alone_and_is_logged(bool throwsAtOnce)
    {
        await using var app = await NewsApp.StartAsync(
            configure: builder => builder.Services.AddTransient<IStartupFilter>(_ => new Faulty(throwsAtOnce)));
        using var meter = new RecordedMeter(app);
        await using var good = await app.OpenAsync("/");
        await good.NextAsync(CometMessageKind.Open);
        await using var broken = await app.OpenAsync("/?broken");
        await broken.NextAsync(CometMessageKind.Open);

        await app.PublishAsync("1", "2", "3");

        Assert.Equal(["1", "2", "3"], (await good.TakeAsync(3)).Select(message => message.Value.GetString()));
        await Assert.ThrowsAnyAsync<IOException>(() => broken.RestAsync());
        await Eventually.HoldsAsync(() => app.Log.Errors.Any(), "the failure is logged");
        Assert.IsType<InvalidTimeZoneException>(Assert.Single(app.Log.Errors).Exception);
        await Eventually.HoldsAsync(() => app.OpenStreams == 1, "the broken stream has ended");
        Assert.Contains("comet.end.reason=error", Assert.Single(meter.Of("comet.stream.duration")).Tags);
    }

    private sealed class Faulty(bool throwsAtOnce) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, next) =>
            {
                if (context.Request.Query.ContainsKey("broken"))
                {
                    var body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
                    context.Features.Set<IHttpResponseBodyFeature>(new FaultyBody(body, throwsAtOnce));
                }
                await next(context);
            });
            next(app);
        };
    }

    private sealed class FaultyBody(IHttpResponseBodyFeature inner, bool throwsAtOnce) : IHttpResponseBodyFeature
    {
        public PipeWriter Writer { get; } = new FaultyWriter(inner.Writer, throwsAtOnce);

        public Stream Stream => inner.Stream;

        public void DisableBuffering() => inner.DisableBuffering();

        public Task StartAsync(CancellationToken cancellationToken = default) => inner.StartAsync(cancellationToken);

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public Task CompleteAsync() => inner.CompleteAsync();
    }

    /// <summary>Takes the head, and nothing more.</summary>
    private sealed class FaultyWriter(PipeWriter inner, bool throwsAtOnce) : PipeWriter
    {
        private bool _isHeadWritten;

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            if (!_isHeadWritten)
            {
                _isHeadWritten = true;
                return inner.FlushAsync(cancellationToken);
            }
            return throwsAtOnce ? throw new InvalidTimeZoneException("at once") : ThrowAsync();
        }

        public override void Advance(int bytes) => inner.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        private static async ValueTask<FlushResult> ThrowAsync()
        {
            await Task.Yield();
            throw new InvalidTimeZoneException("later");
        }
    }
}
