using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Comet.BrowserTests.Hosting;

/// <summary>What stands between browsers and servers: pages go through, and streams fare as its kind says.</summary>
internal sealed class Proxy : IAsyncDisposable
{
    /// <summary>How long what is late, or cut, takes.</summary>
    internal static readonly TimeSpan Delay = TimeSpan.FromSeconds(8);

    private const int BytesPerSecond = 50_000;

    private readonly WebApplication _app;
    private readonly HttpClient _client;
    private readonly ProxyKind _kind;
    private readonly ConcurrentDictionary<object, string> _open = new();
    private int _cuts;

    internal Proxy(string target, ProxyKind kind)
    {
        _kind = kind;
        _client = new(new SocketsHttpHandler { AllowAutoRedirect = false })
        {
            BaseAddress = new Uri(target),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Logging.AddConsole().SetMinimumLevel(LogLevel.Critical); // what is aborted is meant to be
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(ForwardAsync);
        _app.Start();
        Url = _app.Urls.Single();
    }

    internal string Url { get; }

    /// <summary>By which transports streams are being read.</summary>
    internal string[] Transports => [.. _open.Values.Distinct().Order()];

    /// <summary>How many streams it has cut.</summary>
    internal int Cuts => Volatile.Read(ref _cuts);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _client.Dispose();
    }

    private async Task ForwardAsync(HttpContext context)
    {
        var isStream = context.Request.Path.Value!.EndsWith("/stream", StringComparison.Ordinal);
        var key = new object();
        if (isStream)
        {
            _open[key] = TransportOf(context.Request);
        }
        try
        {
            await (isStream && _kind == ProxyKind.AnswersHtml ? context.Response.WriteAsync("<html><body>Accept the terms.</body></html>")
                : isStream && _kind == ProxyKind.Redirects ? RedirectAsync(context)
                : ForwardAsync(context, isStream ? _kind : ProxyKind.Passes));
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or HttpRequestException)
        {
            context.Abort(); // one side has gone, and so has the other
        }
        finally
        {
            _open.TryRemove(key, out _);
        }
    }

    private static string TransportOf(HttpRequest request) => request.Query.ContainsKey("wait") ? "poll"
        : request.Query.ContainsKey("callback") ? "frame"
        : "fetch";

    private static Task RedirectAsync(HttpContext context)
    {
        context.Response.Redirect("/test/framebuster");
        return Task.CompletedTask;
    }

    private async Task ForwardAsync(HttpContext context, ProxyKind kind)
    {
        var aborted = context.RequestAborted;
        if (kind == ProxyKind.IsLate)
        {
            await Task.Delay(Delay, aborted);
        }
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{context.Request.Path}{context.Request.QueryString}");
        foreach (var name in (string[])["Accept", "Cookie", "Last-Event-ID"])
        {
            request.Headers.TryAddWithoutValidation(name, context.Request.Headers[name].AsEnumerable());
        }
        using var answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, aborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        context.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
        await using var from = await answer.Content.ReadAsStreamAsync(aborted);
        if (kind == ProxyKind.Cuts)
        {
            using var cut = CancellationTokenSource.CreateLinkedTokenSource(aborted);
            cut.CancelAfter(Delay);
            using var counted = cut.Token.Register(() => Interlocked.Increment(ref _cuts));
            await CopyAsync(from, context.Response.Body, kind, cut.Token);
        }
        else
        {
            await CopyAsync(from, context.Response.Body, kind, aborted);
        }
    }

    private static async Task CopyAsync(Stream from, Stream to, ProxyKind kind, CancellationToken aborted)
    {
        var held = new MemoryStream();
        var buffer = new byte[kind == ProxyKind.IsSlow ? BytesPerSecond / 10 : 16 * 1024];
        while (await from.ReadAsync(buffer, aborted) is > 0 and var read)
        {
            if (kind == ProxyKind.HoldsUntilNext)
            {
                await ReleaseAsync();
            }
            held.Write(buffer.AsSpan(0, read));
            if (kind is not (ProxyKind.HoldsUntilNext or ProxyKind.HoldsUntilEnd))
            {
                await ReleaseAsync();
            }
            if (kind == ProxyKind.IsSlow)
            {
                await Task.Delay(100, aborted);
            }
        }
        await ReleaseAsync();

        async Task ReleaseAsync()
        {
            await to.WriteAsync(held.ToArray(), aborted);
            await to.FlushAsync(aborted);
            held.SetLength(0);
        }
    }
}

/// <summary>What a proxy does to streams.</summary>
public enum ProxyKind
{
    Passes,
    HoldsUntilEnd,
    HoldsUntilNext,
    Cuts,
    AnswersHtml,
    Redirects,
    IsLate,
    IsSlow,
}
