using System.Net;
using System.Net.Sockets;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>An app on a real Kestrel, on a port of its own.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Wire _wire;

    private TestApp(WebApplication app, RecordedLog log, Wire wire)
    {
        (_app, Log, _wire) = (app, log, wire);
        Url = new Uri(app.Urls.Single());
        Client = CreateClient();
    }

    internal Uri Url { get; }

    internal HttpClient Client { get; }

    internal RecordedLog Log { get; }

    internal IServiceProvider Services => _app.Services;

    /// <summary>Streams that are open on the server.</summary>
    internal int OpenStreams => Services.GetRequiredService<OpenStreams>().Count;

    internal static async Task<TestApp> StartAsync(
        Action<WebApplication> map,
        Action<WebApplicationBuilder>? configure = null,
        Wire wire = Wire.Direct,
        Action<ListenOptions>? connections = null)
    {
        var log = new RecordedLog();
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            EnvironmentName = "Production",
            Args = ["--hostBuilder:reloadConfigOnChange=false"], // each watcher is one of the few that the system has for a user
        });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = wire == Wire.Http2 ? HttpProtocols.Http2 : HttpProtocols.Http1;
            if (wire is Wire.Tls or Wire.Http2)
            {
                listen.UseHttps(Certificate.Instance);
            }
            connections?.Invoke(listen);
        }));
        if (wire != Wire.Portable)
        {
            builder.WebHost.UseCometTransport();
        }
        if (wire == Wire.Attached)
        {
            builder.Services.AddSingleton<IConnectionListenerFactory>(static services =>
                ActivatorUtilities.CreateInstance<CometTransportFactory>(services, false));
        }
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Debug);
        configure?.Invoke(builder);
        builder.Services.AddComet();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        var app = builder.Build();
        map(app);
        try
        {
            await app.StartAsync(TestContext.Current.CancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
        return new TestApp(app, log, wire);
    }

    /// <summary>Opens a stream and waits for its headers.</summary>
    internal Task<TestStream> OpenAsync(string path, CometFormat format = CometFormat.ScriptTags, string? lastEventId = null) =>
        TestStream.OpenAsync(Client, path, format, lastEventId);

    /// <summary>Sends a request that is expected to be answered at once.</summary>
    internal async Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Eventually.Patience);
        using var request = Client.NewRequest(path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
    }

    internal Task<RawConnection> ConnectAsync(string path, params string[] headers) => RawConnection.OpenAsync(Url, path, headers);

    /// <summary>Waits until the server has no open stream any more.</summary>
    internal Task NoStreamIsOpenAsync() => Eventually.HoldsAsync(() => OpenStreams == 0, "the streams have ended on the server");

    internal Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    /// <summary>Stops, because a request's exception is logged after its stream has ended, and finds no error in the log.</summary>
    internal async Task StopWithoutErrorAsync()
    {
        await StopAsync().WithPatience();
        Assert.Empty(Log.Errors);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        using (var patience = new CancellationTokenSource(Eventually.Patience))
        {
            await _app.StopAsync(patience.Token); // as a host does first
        }
        await _app.DisposeAsync();
    }

    /// <summary>
    /// Another client, with connections of its own, and of so many bytes that the system keeps for it while it does not read.
    /// </summary>
    internal HttpClient CreateClient(int? receiveBuffer = null)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false, // a request has those that its test gives it
            ResponseDrainTimeout = TimeSpan.Zero, // without a drain, leaving a response closes its connection at once, as a browser does
        };
        handler.SslOptions.RemoteCertificateValidationCallback =
            (_, certificate, _, _) => certificate?.Equals(Certificate.Instance) == true;
        if (receiveBuffer is { } bytes)
        {
            StallingClients.AssertMayStall(Services);
            handler.ConnectCallback = async (connect, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = bytes };
                await socket.ConnectAsync(connect.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            };
        }
        return new HttpClient(handler)
        {
            BaseAddress = Url,
            DefaultRequestVersion = _wire switch
            {
                Wire.Http2 => HttpVersion.Version20,
                Wire.Http10 => HttpVersion.Version10,
                _ => HttpVersion.Version11,
            },
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    /// <summary>A signal to the process is for the run, and must not stop an app in the middle of a test.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
