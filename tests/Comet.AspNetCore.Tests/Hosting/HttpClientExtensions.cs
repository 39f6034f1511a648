namespace Comet.AspNetCore.Tests.Hosting;

internal static class HttpClientExtensions
{
    /// <summary>A GET of the version that the client is for, which a request made with <c>new</c> is not.</summary>
    internal static HttpRequestMessage NewRequest(this HttpClient client, string path) => new(HttpMethod.Get, path)
    {
        Version = client.DefaultRequestVersion,
        VersionPolicy = client.DefaultVersionPolicy,
    };
}
