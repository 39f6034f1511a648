using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>Who is one visitor.</summary>
public class VisitorTests
{
    [Theory]
    [InlineData("", "10.0.0.1", null, "10.0.0.1")]
    [InlineData("", "::ffff:10.0.0.1", null, "10.0.0.1")]
    [InlineData("", "2001:db8:1:2:3:4:5:6", null, "2001:db8:1:2::")]
    [InlineData("", "", null, null)]
    [InlineData("sub=s name=n", "10.0.0.1", "s", null)]
    [InlineData("id=i sub=s", "10.0.0.1", "i", null)]
    [InlineData("name=n", "10.0.0.1", "n", null)]
    [InlineData("other=o", "10.0.0.1", null, "10.0.0.1")]
    public void A_visitor_is_the_user_or_else_the_address(string claims, string address, string? user, string? counted)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = address.Length > 0 ? IPAddress.Parse(address) : null;
        var parts = claims.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(claim => claim.Split('='));
        context.User = new ClaimsPrincipal(new ClaimsIdentity(
            parts.Select(part => new Claim(TypeOf(part[0]), part[1])), claims.Length > 0 ? "Test" : null));

        var visitor = CometVisitor.Of(context);

        Assert.Equal(new CometVisitor(user, counted is null ? null : IPAddress.Parse(counted)), visitor);
    }

    private static string TypeOf(string name) => name switch
    {
        "id" => ClaimTypes.NameIdentifier,
        "name" => ClaimTypes.Name,
        _ => name,
    };
}
