using System.Net;
using System.Net.Security;
using CometBench.Load.Servers;

namespace CometBench.Load.Client;

/// <summary>
/// One open stream over whatever <see cref="HttpClient"/> speaks: TLS, HTTP/2, and chunks that a proxy cut where it liked.
/// </summary>
internal sealed class HttpStream : IOpenStream
{
    private const int BufferSize = 8 * 1024;

    private readonly byte[] _buffer = new byte[Marker.MaxLength + BufferSize];
    private readonly Stream _body;

    private HttpStream(Stream body) => _body = body;

    public MarkerScanner Scanner { get; } = new();

    internal static async Task<HttpStream> OpenAsync(HttpClient client, string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path)
        {
            Version = client.DefaultRequestVersion,
            VersionPolicy = client.DefaultVersionPolicy,
            Headers = { { "Accept", accept }, { "TE", "chunked" } }, // without the second, nchan has nothing to say
        };
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return new HttpStream(await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync());
    }

    public void Start() => _ = ReadAsync();

    public void Dispose() => _body.Dispose();

    internal static HttpClient CreateClient(IPEndPoint server, Route route) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
    })
    {
        BaseAddress = new Uri($"{(route is Route.Tls or Route.Http2 ? "https" : "http")}://{server}"),
        DefaultRequestVersion = route == Route.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private async Task ReadAsync()
    {
        var carried = 0;
        try
        {
            while (await _body.ReadAsync(_buffer.AsMemory(carried, BufferSize)) is > 0 and var count)
            {
                var rest = Scanner.Scan(_buffer.AsSpan(0, carried + count));
                _buffer.AsSpan(carried + count - rest, rest).CopyTo(_buffer);
                carried = rest;
            }
            Scanner.Close();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            Scanner.Close(); // counts only while a stage runs; afterwards the stage is over
        }
    }
}
