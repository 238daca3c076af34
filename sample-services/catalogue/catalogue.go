// Package catalogue holds the data that the sample services serve: ten books and
// their authors. It is the only copy; books and authors are two views of it.
package catalogue

import "strings"

// Book is one title of the catalogue.
type Book struct {
	Title    string   `json:"title"`
	Subtitle string   `json:"subtitle"`
	ISBN13   string   `json:"isbn13"`
	Authors  []string `json:"authors"`
}

// Author is one person with the books that they wrote, in catalogue order.
type Author struct {
	Author string `json:"author"`
	// ID is the name with hyphens for spaces and without full stops, for example David-K-Rensin.
	ID    string `json:"id"`
	Books []Book `json:"books"`
}

var books = []Book{
	{"Serverless Architectures on AWS", "With examples using AWS Lambda", "9781617293825", []string{"Peter Sbarski"}},
	{"Kubernetes on AWS", "Deploy and manage production-ready Kubernetes clusters on AWS", "9781788390071", []string{"Ed Robinson"}},
	{"AWS Certified Solutions Architect - Associate Guide", "The ultimate exam guide to AWS Solutions Architect certification",
		"9781789130669", []string{"Gabriel Ramirez", "Stuart Scott"}},
	{"AWS Lambda Quick Start Guide", "Learn how to build and deploy serverless applications on AWS", "9781789340198",
		[]string{"Markus Klems"}},
	{"Designing AWS Environments", "Architect large-scale cloud infrastructures with AWS", "9781789535549", []string{"Mitesh Soni"}},
	{"Effective DevOps with AWS, 2nd Edition", "Implement continuous delivery and integration in the AWS environment", "9781789539974",
		[]string{"Yogesh Raheja", "Giuseppe Borgese", "Nathaniel Felsen"}},
	{"Serverless Architectures with AWS", "Discover how you can migrate from traditional deployments to serverless architectures with AWS",
		"9781789805024", []string{"Mohit Gupta"}},
	{"AWS for Developers For Dummies", "", "9781119371847", []string{"John Paul Mueller"}},
	{"Python and AWS Cookbook", "Managing Your Cloud with Python and Boto", "9781449305444", []string{"Mitch Garnaat"}},
	{"Building a Windows IT Infrastructure in the Cloud", "Distributed Hosted Environments with AWS", "9781449333584",
		[]string{"David K. Rensin"}},
}

// Books returns every book in catalogue order. The caller must not change it.
func Books() []Book { return books }

// BookByISBN finds a book by its ISBN-13 without hyphens.
func BookByISBN(isbn13 string) (Book, bool) {
	for _, b := range books {
		if b.ISBN13 == isbn13 {
			return b, true
		}
	}
	return Book{}, false
}

// Authors returns every author in the order of their first book.
func Authors() []Author {
	var authors []Author
	index := map[string]int{}
	for _, b := range books {
		for _, name := range b.Authors {
			i, seen := index[name]
			if !seen {
				i = len(authors)
				index[name] = i
				authors = append(authors, Author{Author: name, ID: authorID(name)})
			}
			authors[i].Books = append(authors[i].Books, b)
		}
	}
	return authors
}

// AuthorByID finds an author by the id that Authors reports.
func AuthorByID(id string) (Author, bool) {
	for _, a := range Authors() {
		if a.ID == id {
			return a, true
		}
	}
	return Author{}, false
}

func authorID(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, ".", ""), " ", "-")
}
